import { describe, expect, it } from 'vitest';
import { DRAIN, H, inTime, KEEP_ALIVE, post } from './lifecycle-stories.ts';
import { callRequest, textResult } from './raw-client.ts';

const SHORT = { headersTimeout: '1s', requestTimeout: '1s' };

describe('A connection on which nothing moves', () => {
  it('is cut when its client reads nothing of an answer: it would be held for ever (F48)', () =>
    inTime(async ({ raw, target, clock }) => {
      const session = await raw.open();
      const { stream } = await target.dial();
      stream.on('error', () => undefined);
      const body = JSON.stringify(callRequest(1, 'echo', { message: 'x'.repeat(1_000_000) }));
      stream.write(post(session, body) + body);
      await clock.sleep(Math.max(4 * KEEP_ALIVE, 2 * H) + 1_000);
      // A shutdown waits for answers that are on their way.
      const startedAt = clock.now();
      target.signal?.('SIGTERM');
      await target.exited;
      expect(clock.now() - startedAt).toBeLessThan(DRAIN);
    }, SHORT));

  it('is none that is slowly read, none of a call that takes long, and none of a stream', () =>
    inTime(
      async ({ raw, target, clock }) => {
        const session = await raw.open();
        const { stream } = await target.dial();
        const message = 'x'.repeat(1_000_000);
        const body = JSON.stringify(callRequest(1, 'echo', { message }));
        stream.write(post(session, body) + body);
        let received = '';
        const slowly = (async () => {
          for await (const chunk of stream) {
            received += chunk;
            if (received.endsWith('}')) break;
            await clock.sleep(3 * KEEP_ALIVE);
          }
        })();
        const listening = await raw.stream(session);
        const call = await raw.call(session, 'sleep', { ms: 300_000 });
        expect(call.text).toContain('slept 300000 ms');
        await raw.call(session, 'emit', { count: 1, on: 'stream', tag: 'late' });
        await clock.sleep(10);
        expect(listening.text()).toContain('late');
        await slowly;
        expect(JSON.parse(received.split('\r\n\r\n')[1] ?? '')).toEqual(textResult(1, message));
      },
      // The listener answers no ping.
      { ...SHORT, heartbeat: '1h' },
    ));
});
