/** After that many pings without an answer a peer counts as dead. */
export const PINGS_BEFORE_DEAD = 3;

/** Pings a peer at each beat, until it is over or the peer is dead. */
export function startHeartbeat(heart: {
  readonly everyMs: number;
  ping(): Promise<unknown>;
  isOver(): boolean;
  onDead(): void;
}): void {
  let unanswered = 0;
  const beat = setInterval(() => {
    if (heart.isOver()) {
      clearInterval(beat);
    } else if (unanswered >= PINGS_BEFORE_DEAD) {
      clearInterval(beat);
      heart.onDead();
    } else {
      unanswered += 1;
      heart.ping().then(
        () => {
          unanswered = 0;
        },
        // Timed out, or the session ended: it stays counted as unanswered.
        () => undefined,
      );
    }
  }, heart.everyMs);
  beat.unref();
}
