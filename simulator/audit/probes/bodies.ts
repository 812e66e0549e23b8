import { resultIn } from '../audit-session.ts';
import type { HttpAnswer } from '../http-exchange.ts';
import { fail, type Probe, pass, unseen } from '../probe.ts';
import type { ProbeContext } from '../probe-context.ts';

/** Beyond the 100 KB that Express takes unless it is told otherwise. */
const LARGE_CHARACTERS = 150_000;
const DEPTH = 10_000;
/** What a client that is not finished by then is given. */
const CUT_WITHIN_MS = 30_000;
const UNFINISHED = 10;

/** F49: what cannot be read is the client's mistake, and is said in words a client can read. */
export const badBodiesAreClientErrors: Probe = {
  name: 'bad_bodies_are_client_errors',
  failureModes: ['F49'],
  demands:
    'A body that is no JSON, no message, or nested ten thousand deep is answered 4xx, not with a page of HTML, and the server goes on.',
  limit: '4xx, or a JSON-RPC error in a 2xx',
  clause:
    'MCP 2025-11-25, basic/transports, Sending Messages 4: what cannot be accepted is answered with an HTTP error',
  remedy: 'Catch the errors of the body parser, and answer 400 with JSON-RPC error -32700 or -32600.',
  phase: 'quick',
  needs: ['session'],
  lasts: () => 1_000,
  async run(context) {
    const session = await context.open();
    context.clearEvidence();
    const wrong: string[] = [];
    for (const [what, body] of BAD) {
      const answer = await session.post(body).done();
      if (!isClientError(answer)) wrong.push(`${what}: ${answer.status ?? answer.end}`);
      else if (isPage(answer)) wrong.push(`${what}: ${answer.status} with a page of HTML`);
    }
    const state = await session.probe();
    if (state !== 'alive') wrong.push(`the session is ${state}`);
    if (wrong.length === 0) return pass(`4xx in ${BAD.length} of ${BAD.length}, session alive`);
    return fail(wrong.join(', '), 'a client that sends rubbish is not told so, or breaks the server');
  },
};

const BAD: readonly (readonly [what: string, body: string])[] = [
  ['no JSON', '{"jsonrpc":"2.0",'],
  ['an empty object', '{}'],
  ['a number', '42'],
  ['another version of JSON-RPC', '{"jsonrpc":"1.0","id":7,"method":"ping"}'],
  ['nested 10,000 deep', `${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}`],
];

/** What web frameworks answer unless they are told otherwise; no client of MCP reads it. */
function isPage({ headers }: HttpAnswer): boolean {
  return headers.get('content-type')?.includes('text/html') === true;
}

function isClientError({ status, messages }: HttpAnswer): boolean {
  if (status === undefined) return false;
  if (status >= 400 && status < 500) return true;
  return status === 200 && messages.some(({ message }) => message.kind === 'error');
}

/** F49: an argument of 150 KB gets through. */
export const largeArgumentsAreReadable: Probe = {
  name: 'large_arguments_are_answered',
  failureModes: ['F49'],
  demands: 'A call with an argument of 150 KB is answered: a document is no attack.',
  limit: 'a result',
  clause:
    'MCP 2025-11-25, basic/transports, Sending Messages 5; operation: the limit of bodies is chosen, not met',
  remedy:
    "Set the body parser's limit (Express: 100 KB unless told otherwise; the SDK's own: 4 MiB), and answer what is beyond it in JSON.",
  phase: 'quick',
  needs: ['session', 'echo'],
  lasts: () => 1_000,
  async run(context) {
    const session = await context.open();
    context.clearEvidence();
    const call = context.offer.echo?.('x'.repeat(LARGE_CHARACTERS));
    if (!call) return unseen('no tool to call');
    const answer = await session.call(call).done();
    const type = answer.headers.get('content-type')?.split(';')[0] ?? 'no type';
    const observed = `${answer.status ?? answer.end}, ${type}`;
    if (resultIn(answer)) return pass(observed);
    return fail(
      observed,
      'a tool cannot be given a document, and its client is not told how large one may be',
    );
  },
};

/** F49: requests that never finish are cut off. Node's own time-outs do it, so it takes real sockets. */
export const unfinishedRequestsAreCut: Probe = {
  name: 'unfinished_requests_are_cut',
  failureModes: ['F49'],
  demands: 'A request whose head or body never ends is cut off in half a minute.',
  limit: `cut off within ${CUT_WITHIN_MS / 1_000} s`,
  clause: 'operation: sockets and memory are bounded',
  remedy:
    'Set headersTimeout and requestTimeout of the HTTP server (Node: 60 s and 300 s unless told otherwise), and connectionsCheckingInterval, by which they are looked at.',
  phase: 'waiting',
  needs: ['session', 'sockets'],
  lasts: () => CUT_WITHIN_MS + 2_000,
  async run(context) {
    const peer = context.peer();
    const halves = Array.from({ length: UNFINISHED }, () =>
      peer.send(
        { method: 'POST', headers: { 'Content-Length': '5000' }, body: '{"jsonrpc":"2.0",' },
        { timeoutMs: CUT_WITHIN_MS + 5_000 },
      ),
    );
    const answers = await Promise.all(halves.map((half) => half.done(CUT_WITHIN_MS)));
    const open = answers.filter(({ end, status }) => end === 'open' && status === undefined).length;
    const observed = `${UNFINISHED - open} of ${UNFINISHED} half-sent requests cut off or refused after ${CUT_WITHIN_MS / 1_000} s`;
    tellLongest(context, answers);
    if (open === 0) return pass(observed);
    return fail(observed, 'clients that never finish hold connections for as long as they like');
  },
};

function tellLongest(context: ProbeContext, answers: readonly HttpAnswer[]): void {
  const longest = Math.max(...answers.map(({ sentAt, doneAt }) => (doneAt ?? context.clock.now()) - sentAt));
  context.note(`the longest was open for ${(longest / 1_000).toFixed(1)} s`);
}
