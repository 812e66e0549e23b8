import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventLog } from '../../hub/event-log.ts';

const LIMITS = { maxEvents: 5, maxBytes: 1_000, maxAgeMs: 60_000 };

/** What can be read of a stream after a position: texts, then how it ends. */
function read(log: EventLog, stream: number, seq = 0): string[] {
  const texts: string[] = [];
  for (let at = seq; ; at += 1) {
    const event = log.next({ stream, seq: at });
    if (typeof event === 'string') return [...texts, event];
    texts.push(event.json);
  }
}

describe('EventLog', () => {
  it('gives back what was sent on a stream after a position, in order, and nothing of another stream (F31, F41)', () => {
    const log = new EventLog(LIMITS);
    for (const [stream, text] of [
      [0, 'a'],
      [1, 'x'],
      [0, 'b'],
      [1, 'y'],
    ] as const) {
      log.append(stream, text);
    }
    expect(read(log, 0)).toEqual(['a', 'b', 'none']);
    expect(read(log, 1)).toEqual(['x', 'y', 'none']);
    expect(read(log, 0, 1)).toEqual(['b', 'none']);
    expect(read(log, 7)).toEqual(['none']);
  });

  it.each([
    ['count', { ...LIMITS, maxEvents: 3 }, 3],
    ['bytes', { ...LIMITS, maxBytes: 8 }, 4],
  ])('is bounded by %s: the oldest go, and say so (F42)', (_what, limits, kept) => {
    const log = new EventLog(limits);
    for (let n = 0; n < 1_000; n += 1) log.append(n % 2, '12');
    expect(log.size).toBe(kept);
    expect(log.bytes).toBe(2 * kept);
    expect(log.next({ stream: 0, seq: 0 })).toBe('lost');
    expect(read(log, 0, log.resumableFrom({ stream: 0, seq: 0 })).at(-1)).toBe('none');
  });

  it('keeps the last event even if it alone is too large: whoever reads live has to get it', () => {
    const log = new EventLog({ ...LIMITS, maxBytes: 3 });
    log.append(0, 'large');
    expect(read(log, 0)).toEqual(['large', 'none']);
    log.append(0, 'larger');
    expect(read(log, 0)).toEqual(['lost']);
    expect(read(log, 0, 1)).toEqual(['larger', 'none']);
  });

  it('forgets a stream that ended once nothing of it is kept', () => {
    const log = new EventLog({ ...LIMITS, maxEvents: 2 });
    log.append(1, 'a');
    log.end(1);
    expect(log.knows(1)).toBe(true);
    log.append(0, 'b');
    log.append(0, 'c');
    expect(log.knows(1)).toBe(false);
    log.clear();
    expect([log.size, log.bytes, log.knows(0)]).toEqual([0, 0, false]);
  });

  it('never loses, doubles or reorders what it keeps, whatever is appended (property)', () => {
    const appended = fc.array(fc.record({ stream: fc.nat(3), text: fc.string({ maxLength: 20 }) }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(
        appended,
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 200 }),
        (all, maxEvents, maxBytes) => {
          const log = new EventLog({ maxEvents, maxBytes, maxAgeMs: 60_000 });
          for (const { stream, text } of all) log.append(stream, text);
          expect(log.size).toBeLessThanOrEqual(maxEvents);
          for (const stream of [0, 1, 2, 3]) {
            const sent = all.filter((event) => event.stream === stream).map(({ text }) => text);
            const from = log.resumableFrom({ stream, seq: 0 });
            expect(read(log, stream, from)).toEqual([...sent.slice(from), 'none']);
          }
        },
      ),
    );
  });
});
