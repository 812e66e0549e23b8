/**
 * Collects bytes that come in pieces. Grows by doubling, so pieces of one byte cost no more than large
 * ones, and copies, so that a small rest does not keep a whole 64 KiB read alive.
 */
export class ByteBuffer {
  #bytes = EMPTY;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  append(piece: Buffer): void {
    const needed = this.#length + piece.length;
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    piece.copy(this.#bytes, this.#length);
    this.#length = needed;
  }

  /** The collected bytes as UTF-8; the buffer is empty and holds no memory afterwards. */
  takeText(): string {
    const text = this.#bytes.toString('utf8', 0, this.#length);
    this.#bytes = EMPTY;
    this.#length = 0;
    return text;
  }
}

const EMPTY = Buffer.alloc(0);
