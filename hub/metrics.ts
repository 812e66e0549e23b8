import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { CLOSE_CODES } from './close-codes.ts';
import { DELIVERIES, type Delivery } from './server-context.ts';
import type { EndReason, SessionCounters } from './session-manager.ts';

/** What is read when somebody asks for the metrics, and costs nothing until then. */
export interface MetricSources {
  readonly sessions: { readonly size: number; counters(): SessionCounters };
  readonly calls: { readonly count: number };
  readonly streams: { readonly count: number };
  readonly agents: { readonly size: number };
  readonly conversations: { readonly size: number };
  readonly loop: { delayMs(): number };
}

/**
 * Methods of requests, as label values. Clients choose what they send: whatever else it is counts as `other`, or
 * the number of time series would be theirs to choose, too.
 */
const METHODS: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'tools/list',
  'tools/call',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'prompts/list',
  'prompts/get',
  'completion/complete',
  'logging/setLevel',
]);

/** Clients choose the code that they close with, too. Those of RFC 6455, and the hub's own. */
const KNOWN_CLOSE_CODES: ReadonlySet<number> = new Set([
  1000,
  1002,
  1005,
  1006,
  1007,
  1008,
  1009,
  1011,
  ...Object.values(CLOSE_CODES),
]);

const HTTP_METHODS: ReadonlySet<string> = new Set(['GET', 'POST', 'DELETE']);

/** Seconds: the boundaries that the OpenTelemetry conventions for MCP advise, and longer ones for sessions. */
const OPERATION_BUCKETS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];
const SESSION_BUCKETS = [...OPERATION_BUCKETS, 600, 1_800, 3_600, 14_400, 86_400];

/**
 * The metrics of one hub, in a registry of its own. Names follow the OpenTelemetry conventions for MCP
 * (`mcp.server.session.duration` and so on), those of the process prom-client's own defaults; these themselves
 * are not used, since their performance observers cannot be stopped (F58). No id and nothing a client chose is
 * ever a label.
 */
export class HubMetrics {
  readonly #registry = new Registry();
  readonly #operations: Histogram<'method'>;
  readonly #sessionDurations: Histogram<'reason'>;
  readonly #requests: Counter<'http_method' | 'status'>;
  readonly #messages: Counter<'delivered'>;
  readonly #sockets: Gauge;
  readonly #socketsClosed: Counter<'code'>;

  constructor(sources: MetricSources) {
    const registers = [this.#registry];
    this.#operations = new Histogram({
      name: 'mcp_server_operation_duration_seconds',
      help: 'Time from the arrival of a request to its answer, or to its cancellation.',
      labelNames: ['method'],
      buckets: OPERATION_BUCKETS,
      registers,
    });
    this.#sessionDurations = new Histogram({
      name: 'mcp_server_session_duration_seconds',
      help: 'Age of sessions at their end.',
      labelNames: ['reason'],
      buckets: SESSION_BUCKETS,
      registers,
    });
    this.#requests = new Counter({
      name: 'mcp_server_requests_total',
      help: 'HTTP requests to the MCP endpoint, counted when their answer has ended; status none: the client left first.',
      labelNames: ['http_method', 'status'],
      registers,
    });
    this.#messages = new Counter({
      name: 'mcp_server_agent_messages_total',
      help: 'Messages between agents, by how they were delivered.',
      labelNames: ['delivered'],
      registers,
    });
    this.#sockets = new Gauge({ name: 'mcp_server_websockets', help: 'Open WebSockets.', registers });
    this.#socketsClosed = new Counter({
      name: 'mcp_server_websockets_closed_total',
      help: 'WebSockets closed, by close code; 1006: the connection broke.',
      labelNames: ['code'],
      registers,
    });
    for (const delivered of DELIVERIES) this.#messages.inc({ delivered }, 0);
    registerSessionMetrics(this.#registry, sources);
    registerGauges(this.#registry, sources);
  }

  /** A request got its answer, or was cancelled. */
  operationEnded(method: string, durationMs: number): void {
    this.#operations.observe({ method: METHODS.has(method) ? method : 'other' }, durationMs / 1_000);
  }

  sessionEnded(reason: EndReason, ageMs: number): void {
    this.#sessionDurations.observe({ reason }, ageMs / 1_000);
  }

  /** The answer to an HTTP request has ended; status undefined when the client left before it began. */
  requestEnded(method: string | undefined, status: number | undefined): void {
    const httpMethod = method !== undefined && HTTP_METHODS.has(method) ? method : 'other';
    this.#requests.inc({ http_method: httpMethod, status: status === undefined ? 'none' : String(status) });
  }

  socketOpened(): void {
    this.#sockets.inc();
  }

  socketClosed(code: number): void {
    this.#sockets.dec();
    this.#socketsClosed.inc({ code: KNOWN_CLOSE_CODES.has(code) ? String(code) : 'other' });
  }

  messageSent(delivered: Delivery): void {
    this.#messages.inc({ delivered });
  }

  /** Everything as text, in the format asked for by an Accept header. */
  async expose(accept: string | undefined): Promise<{ contentType: string; text: string }> {
    const text = await this.#registry.metrics();
    if (accept?.toLowerCase().includes('application/openmetrics-text')) {
      return { contentType: Registry.OPENMETRICS_CONTENT_TYPE, text: toOpenMetrics(text) };
    }
    return { contentType: Registry.PROMETHEUS_CONTENT_TYPE, text };
  }
}

/** What the session manager counts anyway is copied when asked for: one truth, and nothing to keep in step. */
function registerSessionMetrics(registry: Registry, sources: MetricSources): void {
  const registers = [registry];
  new Counter({
    name: 'mcp_server_sessions_opened_total',
    help: 'Sessions opened.',
    registers,
    collect() {
      this.reset();
      this.inc(sources.sessions.counters().opened);
    },
  });
  new Counter({
    name: 'mcp_server_sessions_refused_total',
    help: 'Sessions refused: no room, or draining.',
    registers,
    collect() {
      this.reset();
      this.inc(sources.sessions.counters().refused);
    },
  });
  new Counter({
    name: 'mcp_server_sessions_ended_total',
    help: 'Sessions ended, by reason.',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset();
      for (const [reason, count] of Object.entries(sources.sessions.counters().ended))
        this.inc({ reason }, count);
    },
  });
}

function registerGauges(registry: Registry, sources: MetricSources): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  gauge('mcp_server_sessions', 'Live sessions.', () => sources.sessions.size);
  gauge('mcp_server_streams', 'Open GET streams, and WebSockets of sessions.', () => sources.streams.count);
  gauge(
    'mcp_server_calls_in_flight',
    'POSTs, and calls on WebSockets, whose answer is owed.',
    () => sources.calls.count,
  );
  gauge('mcp_server_agents', 'Registered agents.', () => sources.agents.size);
  gauge('mcp_server_conversations', 'Conversations kept.', () => sources.conversations.size);
  gauge(
    'nodejs_eventloop_delay_max_seconds',
    'How late the event loop ran at most, in the last ten seconds.',
    () => sources.loop.delayMs() / 1_000,
  );
  gauge('nodejs_heap_size_used_bytes', 'Heap in use.', () => process.memoryUsage().heapUsed);
  gauge('process_resident_memory_bytes', 'Resident set size.', () => process.memoryUsage.rss());
}

/**
 * The Prometheus text as OpenMetrics 1.0: families of counters are named without `_total`, there are no empty lines,
 * and `# EOF` ends it. prom-client can write that itself, but renames its counters for good in doing so: the next
 * Prometheus text of the same registry would lack every `_total`.
 */
export function toOpenMetrics(text: string): string {
  const lines = text.split('\n').filter((line) => line !== '');
  const counters = new Set(
    lines.map((line) => /^# TYPE (\S+)_total counter$/.exec(line)?.[1]).filter((name) => name !== undefined),
  );
  const renamed = lines.map((line) =>
    line.replace(/^(# (?:HELP|TYPE) )(\S+)_total /, (whole, start: string, family: string) =>
      counters.has(family) ? `${start}${family} ` : whole,
    ),
  );
  return `${[...renamed, '# EOF'].join('\n')}\n`;
}
