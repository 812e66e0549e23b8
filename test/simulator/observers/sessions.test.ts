import { describe, expect, it } from 'vitest';
import { fingerprint, observe, type Pages, sessionsPage } from './health-server.ts';

const COUNTERS = { opened: 9, refused: 1, ended: { client: 2, idle: 3 } };

/** A hub with so many sessions that shows all of them. */
function hub(total: () => number, asked: string[] = []): Pages {
  return (url) => {
    asked.push(url.pathname);
    if (url.pathname === '/health')
      return { sessions: total(), counters: COUNTERS, policy: { sessionTimeoutMs: 5_000 } };
    return url.pathname === '/sessions' ? sessionsPage(url, total(), COUNTERS) : undefined;
  };
}

describe('a target that lists its sessions', () => {
  it('is seen with each of 2,500 sessions, over as many pages as it takes', async () => {
    const asked: string[] = [];
    const observer = observe(hub(() => 2_500, asked));
    const sample = await observer.discover();
    expect(observer.visibility).toBe('listed');
    expect([sample?.count, sample?.listed?.size]).toEqual([2_500, 2_500]);
    expect([sample?.listed?.has(fingerprint(0)), sample?.listed?.has(fingerprint(2_499))]).toEqual([
      true,
      true,
    ]);
    asked.length = 0;
    await observer.sample();
    expect(asked).toEqual(['/sessions', '/sessions', '/sessions']);
    observer.close();
  });

  it('is seen from before the first page to after the last', async () => {
    const observer = observe(hub(() => 2_500));
    const sample = await observer.discover();
    expect(sample?.receivedAt).toBeGreaterThan(sample?.sentAt ?? Number.POSITIVE_INFINITY);
    observer.close();
  });

  it.each([
    ['the counters came with the listing', 1_000, COUNTERS],
    ['the counters of one page do not fit the sessions of the next', 1_001, undefined],
    ['nothing is a listing, too', 0, COUNTERS],
  ])('has counters only where they fit: %s', async (_, total, counters) => {
    const observer = observe(hub(() => total));
    expect((await observer.discover())?.counters).toEqual(counters);
    observer.close();
  });

  it('is counted when its sessions are more than can be listed', async () => {
    const observer = observe(hub(() => 100_001));
    const sample = await observer.discover();
    expect([sample?.count, sample?.listed, sample?.counters]).toEqual([100_001, undefined, undefined]);
    observer.close();
  });

  it('publishes its policy, with what it does not promise left open', async () => {
    const observer = observe(hub(() => 0));
    await observer.discover();
    expect(observer.policy).toMatchObject({ sessionTimeoutMs: 5_000, handshakeTimeoutMs: null });
    observer.close();
  });

  it('is not seen while it does not answer, and again when it does', async () => {
    let isUp = true;
    const pages = hub(() => 3);
    const observer = observe((url) => (isUp ? pages(url) : undefined));
    await observer.discover();
    isUp = false;
    expect(await observer.sample()).toBeUndefined();
    isUp = true;
    expect((await observer.sample())?.count).toBe(3);
    observer.close();
  });
});

describe('a target that only counts its sessions', () => {
  it('is seen as a number, with its counters', async () => {
    let sessions = 4;
    const observer = observe(({ pathname }) =>
      pathname === '/health' ? { sessions, counters: COUNTERS } : undefined,
    );
    expect(await observer.discover()).toMatchObject({ count: 4, stalenessMs: 0, counters: COUNTERS });
    expect([observer.visibility, observer.policy]).toEqual(['counted', undefined]);
    sessions = 7;
    const sample = await observer.sample();
    expect([sample?.count, sample?.listed]).toEqual([7, undefined]);
    observer.close();
  });

  it.each([
    ['its listing shows ids of another kind', { total: 1, sessions: [{ sessionId: '3d3c1f0a-secret' }] }],
    ['its listing has another shape', { sessions: 4 }],
    ['its listing is not JSON', '<html>'],
  ])('is taken to count when %s', async (_, listing) => {
    const observer = observe(({ pathname }) => (pathname === '/health' ? { sessions: 4 } : listing));
    await observer.discover();
    expect(observer.visibility).toBe('counted');
    observer.close();
  });
});

describe('a target that shows nothing', () => {
  it.each<[string, Pages]>([
    ['it has no such pages', () => undefined],
    ['its health says nothing of sessions', () => ({ status: 'ok' })],
    ['its health is not JSON', () => 'OK'],
    ['its count cannot be', () => ({ sessions: -1 })],
  ])('has no samples: %s', async (_, pages) => {
    const observer = observe(pages);
    expect(await observer.discover()).toBeUndefined();
    expect([observer.visibility, observer.policy, await observer.sample()]).toEqual([
      'none',
      undefined,
      undefined,
    ]);
    observer.close();
  });
});
