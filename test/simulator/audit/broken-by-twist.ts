import type { IncomingMessage } from 'node:http';
import type { Launch } from '../../../simulator/targets/in-process.ts';
import { POLICY, sdkServer } from './auditing.ts';
import { twisted } from './twisted.ts';

const NOT_FOUND = '{"jsonrpc":"2.0","error":{"code":-32001,"message":"Session not found."},"id":null}';

const idOf = (request: IncomingMessage) => String(request.headers['mcp-session-id'] ?? '');

/** Counts a session for each initialize without clientInfo, on `/count`; `leaks`: how many each leaves behind. */
export function countsFailedInitialize(leaks: number): Launch {
  return twisted(sdkServer(), () => {
    let count = 0;
    return (request, response, pass) => {
      if (request.url === '/count') {
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ count }));
        return;
      }
      // Whoever comes after hears of the same bytes, as long as it begins to listen in this turn.
      request.on('data', (chunk: Buffer) => {
        const isInitialize = chunk.includes('"initialize"');
        if (isInitialize && !chunk.includes('"clientInfo"')) count += leaks;
      });
      pass();
    };
  });
}

/** Ends a session `windowMs` after its last stream closed, unless another opens. Has no other reaper than the server. */
export function endsAfterLostStream(windowMs: number): Launch {
  return twisted(sdkServer(), () => {
    const streams = new Map<string, object>();
    const dead = new Set<string>();
    return (request, response, pass) => {
      const id = idOf(request);
      if (dead.has(id)) {
        response.writeHead(404, { 'content-type': 'application/json' }).end(NOT_FOUND);
        return;
      }
      if (request.method === 'GET' && id !== '') {
        const stream = {};
        streams.set(id, stream);
        response.once('close', () => {
          setTimeout(() => {
            if (streams.get(id) === stream) dead.add(id);
          }, windowMs).unref();
        });
      }
      pass();
    };
  });
}

/** Between finding a session and using it something is awaited, and the sweep does not know. */
const GAP_MS = 50;

/** Sweeps a little earlier than the server behind it, and under requests that it has let in. */
export function sweepsUnderRequests(): Launch {
  return twisted(sdkServer(), () => {
    const usedAt = new Map<string, number>();
    const isIdle = (id: string) => performance.now() - (usedAt.get(id) ?? 0) > POLICY.sessionTimeoutMs;
    const dead = new Set<string>();
    setInterval(() => {
      for (const id of usedAt.keys()) if (isIdle(id)) dead.add(id);
    }, POLICY.cleanupIntervalMs - 1).unref();
    return (request, response, pass) => {
      const id = idOf(request);
      if (request.method !== 'POST' || id === '') return pass();
      if (dead.has(id)) {
        response.writeHead(404, { 'content-type': 'application/json' }).end(NOT_FOUND);
        return;
      }
      if (!usedAt.has(id)) usedAt.set(id, performance.now());
      setTimeout(() => {
        if (dead.has(id)) response.writeHead(200, { 'content-type': 'text/event-stream' }).end();
        else {
          usedAt.set(id, performance.now());
          pass();
        }
      }, GAP_MS);
    };
  });
}

/** Evidence for F39: from 15 transports at once the cascade of closes overflowed the stack. */
const CASCADE_FROM = 15;

/** Goes deaf when many sessions are ended at once: the process is there, and answers nothing any more. */
export function goesDeaf(): Launch {
  return twisted(sdkServer(), () => {
    let ending = 0;
    return (request, response, pass) => {
      if (request.method === 'DELETE') {
        ending += 1;
        response.once('close', () => {
          if (ending < CASCADE_FROM) ending -= 1;
        });
      }
      if (ending < CASCADE_FROM) setTimeout(pass, 1);
    };
  });
}

/** After a restart ids of the life before are answered with this status; 0: not at all. */
export function answersOldIdsWith(status: number): Launch {
  const old = new Set<string>();
  return twisted(sdkServer(), () => {
    const ofLivesBefore = new Set(old);
    return (request, response, pass) => {
      const id = idOf(request);
      old.add(id);
      if (id === '' || !ofLivesBefore.has(id)) pass();
      else if (status > 0) response.writeHead(status).end();
    };
  });
}

/** Measures idleness on the wall clock. To be undone by the caller: see the test. */
export function onWallClock(): Launch {
  return () => {
    Object.defineProperty(performance, 'now', {
      configurable: true,
      writable: true,
      value: () => Date.now(),
    });
    return sdkServer()();
  };
}
