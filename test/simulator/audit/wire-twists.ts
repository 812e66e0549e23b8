import type { IncomingMessage, ServerResponse } from 'node:http';
import { refuseWith, type Twist } from './twisted.ts';

/** Tells clients that forgot the header what it tells those whose session is gone. */
export function answers404Headerless(): Twist {
  return (request, response, pass) => {
    if (isPost(request) && sessionOf(request) === '' && !isInitialize(request)) refuseWith(response, 404);
    else pass();
  };
}

const NEWCOMERS = 20;

/** Once it has had enough of newcomers, it has enough of everybody: the limit stands before the sessions, or after. */
export function limitsNewcomers({ hidesSessions }: { hidesSessions: boolean }): Twist {
  let left = NEWCOMERS;
  return (request, response, pass) => {
    const isNewcomer = isPost(request) && sessionOf(request) === '';
    if (isNewcomer) left -= 1;
    if (left < 0 && (isNewcomer || hidesSessions)) refuseWith(response, 429, { 'retry-after': '2' });
    else pass();
  };
}

/** Opens a stream and ends it. */
export function endsStreamsAtOnce(): Twist {
  return (request, response, pass) => {
    if (request.method !== 'GET' || sessionOf(request) === '') return pass();
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end();
  };
}

/** Answers GET with a page. */
export function answersGetWithAPage(): Twist {
  return (request, response, pass) => {
    if (request.method !== 'GET' || sessionOf(request) === '') return pass();
    response.writeHead(200, { 'content-type': 'text/html' }).end('<p>It works.</p>');
  };
}

/** One stream at a time; or one in all. */
export function refusesASecondStream({ forEver }: { forEver: boolean }): Twist {
  const listening = new Map<string, ServerResponse>();
  return (request, response, pass) => {
    if (request.method !== 'GET') return pass();
    const id = sessionOf(request);
    if (listening.has(id)) return refuseWith(response, 409);
    listening.set(id, response);
    // The probe learns what is offered with a stream of its own session, so this is per session.
    if (!forEver) response.once('close', () => listening.delete(id));
    pass();
  };
}

/** Whoever waits in a session gets the first answer that comes, again and again. */
export function repeatsTheFirstAnswer(): Twist {
  const first = new Map<string, string>();
  return (request, response, pass) => {
    const id = sessionOf(request);
    onWrite(response, (text) => {
      if (!text.includes('slept')) return text;
      // The call that finds out how the tool answers comes alone: it is the first.
      const said = first.get(id) ?? text;
      first.set(id, said);
      return said;
    });
    pass();
  };
}

/** Lets in one client. */
export function servesOneClient(): Twist {
  let opened = 0;
  return (request, response, pass) => {
    if (isInitialize(request)) opened += 1;
    // What is asked before the check takes the first.
    if (opened > 2 && isInitialize(request)) refuseWith(response, 500);
    else pass();
  };
}

/** Whoever resumes anything gets all that was ever sent: of other sessions too, or of its own only. */
export function replaysEverything({ ofOthers }: { ofOthers: boolean }): Twist {
  const sent: { readonly session: string; readonly text: string }[] = [];
  return (request, response, pass) => {
    const session = sessionOf(request);
    const resumes = request.headers['last-event-id'] !== undefined;
    if (resumes) {
      const texts = sent.filter((event) => ofOthers || event.session === session).map(({ text }) => text);
      afterHead(response, () => response.write(texts.join('')));
    } else {
      onWrite(response, (text) => {
        if (text.includes('data:')) sent.push({ session, text });
        return text;
      });
    }
    pass();
  };
}

/** On a stream that is resumed, the first numbered event gets lost, or comes twice. */
export function spoilsResumption(how: 'loses' | 'doubles'): Twist {
  return (request, response, pass) => {
    let isSpoilt = request.headers['last-event-id'] === undefined;
    onWrite(response, (text) => {
      if (isSpoilt || !/"(progress|n)":\d/.test(text)) return text;
      isSpoilt = true;
      return how === 'loses' ? '' : text + text;
    });
    pass();
  };
}

/** Takes the tokens of alice and bob; whose a session is, is asked for these methods only. */
export function guardsOwners(methods: readonly string[]): Twist {
  const owners = new Map<string, string>();
  return (request, response, pass) => {
    const token = request.headers.authorization ?? '';
    if (request.url?.startsWith('/mcp') && !/^Bearer (alice|bob)$/.test(token))
      return refuseWith(response, 401);
    const id = sessionOf(request);
    const owner = owners.get(id);
    if (owner !== undefined && owner !== token && methods.includes(request.method ?? '')) {
      return refuseWith(response, 404);
    }
    onHead(response, (headers) => {
      const opened = headers['mcp-session-id'];
      if (id === '' && opened !== undefined) owners.set(opened, token);
    });
    pass();
  };
}

/** Shows which sessions there are, to anybody. */
export function listsIds(): Twist {
  const ids = new Set<string>();
  return (request, response, pass) => {
    if (request.url === '/status') {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ sessions: [...ids] }));
      return;
    }
    onHead(response, (headers) => ids.add(headers['mcp-session-id'] ?? ''));
    pass();
  };
}

/** Gives sessions other names: counted ones, or those that clients ask for. */
export function names(how: 'counts' | 'adopts'): Twist {
  const real = new Map<string, string>();
  return (request, response, pass) => {
    const asked = sessionOf(request);
    const known = real.get(asked);
    if (known !== undefined) request.headers['mcp-session-id'] = known;
    else if (how === 'adopts' && isInitialize(request)) delete request.headers['mcp-session-id'];
    onHead(response, (headers) => {
      const id = headers['mcp-session-id'];
      if (id === undefined || known !== undefined) return;
      const name = how === 'counts' ? `session-of-a-client-${real.size + 1}` : asked || id;
      real.set(name, id);
      headers['mcp-session-id'] = name;
    });
    pass();
  };
}

/** Breaks on an id that is too long for it. */
export function breaksOnLongIds(): Twist {
  return (request, response, pass) => {
    if (sessionOf(request).length > 1_000) refuseWith(response, 500);
    else pass();
  };
}

/** Keeps its sessions in an object, and breaks on what objects know without being told. */
export function looksIdsUpInAnObject({ staysBroken }: { staysBroken: boolean }): Twist {
  let isBroken = false;
  return (request, response, pass) => {
    const isKnownToAll = sessionOf(request) in {};
    if (isKnownToAll && staysBroken) isBroken = true;
    if (isKnownToAll || (isBroken && isInitialize(request))) refuseWith(response, 500);
    else pass();
  };
}

/** Looks at the origin of POSTs only; or at no name of its own. */
export function overlooks(what: 'origin but of POST' | 'host'): Twist {
  return (request, _response, pass) => {
    if (what === 'host') request.headers.host = 'localhost';
    else if (request.method !== 'POST') delete request.headers.origin;
    pass();
  };
}

/** Keeps nothing alive. */
export function isSilent(): Twist {
  return (_request, response, pass) => {
    onWrite(response, (text) => (text.startsWith(':') || text.includes('"ping"') ? '' : text));
    pass();
  };
}

/** Hands the events of a call on when its result is there. */
export function buffers(): Twist {
  return (request, response, pass) => {
    let held = '';
    if (isPost(request)) {
      onWrite(response, (text) => {
        held += text;
        return text.includes('"result"') ? held : '';
      });
    }
    pass();
  };
}

function isPost({ method }: IncomingMessage): boolean {
  return method === 'POST';
}

function sessionOf({ headers }: IncomingMessage): string {
  return String(headers['mcp-session-id'] ?? '');
}

/** Longer than any other request without a session. */
function isInitialize(request: IncomingMessage): boolean {
  return isPost(request) && Number(request.headers['content-length']) > 100;
}

/** `change`: what goes out in place of what is written. */
function onWrite(response: ServerResponse, change: (text: string) => string): void {
  const { write, end } = response;
  Object.defineProperty(response, 'write', {
    value: (...args: unknown[]) => {
      const text = change(textOf(args[0]));
      return text === '' || Reflect.apply(write, response, [text]);
    },
  });
  Object.defineProperty(response, 'end', {
    value: (...args: unknown[]) => Reflect.apply(end, response, [change(textOf(args[0]))]),
  });
}

function textOf(chunk: unknown): string {
  return typeof chunk === 'string' || chunk instanceof Uint8Array ? Buffer.from(chunk).toString() : '';
}

function afterHead(response: ServerResponse, act: () => void): void {
  const { writeHead } = response;
  Object.defineProperty(response, 'writeHead', {
    value: (...args: unknown[]) => {
      Reflect.apply(writeHead, response, args);
      if (response.statusCode === 200) act();
      return response;
    },
  });
}

/** `look` may change the headers. */
function onHead(response: ServerResponse, look: (headers: Record<string, string>) => void): void {
  const { writeHead } = response;
  Object.defineProperty(response, 'writeHead', {
    value: (status: number, ...rest: unknown[]) => {
      const given = rest.findLast((arg) => typeof arg === 'object' && arg !== null);
      const entries = Object.entries({ ...response.getHeaders(), ...given });
      const headers = Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), String(value)]));
      const before = headers['mcp-session-id'];
      if (status < 300) look(headers);
      if (headers['mcp-session-id'] !== before) Object.assign(Object(given), headers);
      return Reflect.apply(writeHead, response, [status, ...rest]);
    },
  });
}
