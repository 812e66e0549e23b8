import { createServer } from 'node:http';
import express, { type RequestHandler, type Response } from 'express';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../hub/config.ts';
import { createHub } from '../../hub/hub.ts';
import type { Clock } from '../../simulator/clock/clock.ts';
import { VirtualTime } from '../../simulator/clock/virtual.ts';
import { inProcessTarget } from '../../simulator/targets/in-process.ts';
import { callRequest, RawClient } from './raw-client.ts';

const EVENTS = 25;
const INTERVAL_MS = 200;
const EACH_AS_IT_HAPPENS = Array.from({ length: EVENTS }, (_, n) => (n + 1) * INTERVAL_MS);
const ALL_AT_THE_END = EACH_AS_IT_HAPPENS.map(() => EVENTS * INTERVAL_MS);

/** What stands between clients and the hub, and holds answers back until they are complete, unless asked not to. */
const BETWEEN = {
  /** As the compression middleware of Express: a stream that may not be transformed passes. */
  compression: holdsUnless((response) =>
    /\bno-transform\b/.test(String(response.getHeader('cache-control'))),
  ),
  /** As nginx with proxy_buffering. */
  'a buffering proxy': holdsUnless((response) => response.getHeader('x-accel-buffering') === 'no'),
};

function holdsUnless(asksToPass: (response: Response) => boolean): RequestHandler {
  return (_request, response, next) => {
    const { write, end, writeHead } = response;
    const held: string[] = [];
    const isHeld = () =>
      /event-stream/.test(String(response.getHeader('content-type'))) && !asksToPass(response);
    // Headers are known to a middleware once they are set, or given to writeHead().
    response.writeHead = (status: number, headers: unknown) => {
      for (const [name, value] of Object.entries(Object(headers))) response.setHeader(name, String(value));
      return writeHead.call(response, status);
    };
    response.write = (chunk: unknown) => {
      if (!isHeld()) return Reflect.apply(write, response, [chunk]);
      held.push(String(chunk));
      return true;
    };
    response.end = (chunk?: unknown) => Reflect.apply(end, response, [held.join('') + (chunk ?? '')]);
    next();
  };
}

/** Takes a header away from the answers of the hub: what the hub would send that has the failure. */
function without(name: string): RequestHandler {
  return (_request, response, next) => {
    const { writeHead } = response;
    response.writeHead = (status: number, headers: unknown) => {
      const kept = Object.entries(Object(headers)).filter(([header]) => header !== name);
      return Reflect.apply(writeHead, response, [status, Object.fromEntries(kept)]);
    };
    next();
  };
}

/** When each of the events arrived that a tool sent every 200 ms, counted from its call, ms. */
async function arrivals(on: 'call' | 'stream', between: readonly RequestHandler[]): Promise<number[]> {
  const time = new VirtualTime();
  try {
    const hub = createHub(loadConfig({ logLevel: 'silent', rateLimit: 'off' }));
    const app = express().use(...between, hub.app);
    const launch = () => ({ server: createServer(app), shutdown: () => hub.shutdown() });
    const target = await inProcessTarget('hub', launch, time);
    return await time.drive(async () => {
      const raw = new RawClient(target.dial);
      try {
        return await (on === 'call' ? onCall(raw, time.clock) : onStream(raw, time.clock));
      } finally {
        await hub.shutdown();
        await target.stop();
      }
    });
  } finally {
    time.uninstall();
  }
}

async function onCall(raw: RawClient, clock: Clock): Promise<number[]> {
  const session = await raw.open();
  const { at, onData } = watched(clock, 'notifications/progress');
  const from = clock.now();
  const call = callRequest(2, 'emit', { count: EVENTS, intervalMs: INTERVAL_MS });
  const body = { ...call, params: { ...call.params, _meta: { progressToken: 1 } } };
  const stream = await raw.streamedCall(session, body, { onData });
  await stream.ended;
  return at.map((ms) => ms - from);
}

/** Its end is that of the session: until then a stream that is held back shows nothing, not even its head. */
async function onStream(raw: RawClient, clock: Clock): Promise<number[]> {
  const session = await raw.open();
  const { at, onData } = watched(clock, 'notifications/test/event');
  const listening = raw.stream(session, { onData });
  await clock.sleep(1);
  const from = clock.now();
  await raw.call(session, 'emit', { count: EVENTS, intervalMs: INTERVAL_MS, on: 'stream' });
  await raw.delete(session);
  const stream = await listening;
  await stream.ended;
  return at.map((ms) => ms - from);
}

/** When a notification of this method arrived, each time. */
function watched(clock: Clock, method: string) {
  const at: number[] = [];
  const onData = (text: string) => {
    for (const _ of text.matchAll(new RegExp(`"${method}"`, 'g'))) at.push(clock.now());
  };
  return { at, onData };
}

describe('What is said while a call is under way is heard while it is (F44)', () => {
  const ways = Object.entries(BETWEEN).flatMap(([name, between]) =>
    (['call', 'stream'] as const).map((on) => ({ name, between, on })),
  );
  it.each(ways)('on the $on, through $name', async ({ on, between }) => {
    expect(await arrivals(on, [between])).toEqual(EACH_AS_IT_HAPPENS);
  });

  it.each([
    ['compression', 'cache-control', 'call'],
    ['compression', 'cache-control', 'stream'],
    ['a buffering proxy', 'x-accel-buffering', 'call'],
    ['a buffering proxy', 'x-accel-buffering', 'stream'],
  ] as const)('and not through %s of a hub without %s, on the %s', async (name, header, on) => {
    expect(await arrivals(on, [BETWEEN[name], without(header)])).toEqual(ALL_AT_THE_END);
  });
});
