/** How samples of a metric are combined, as in k6. */
export type MetricType = 'trend' | 'counter' | 'rate' | 'gauge';

export interface MetricDefinition {
  readonly type: MetricType;
  readonly unit: 'ms' | 'bytes' | '1' | 'cores';
  /** Whether a starved load generator makes the number worthless (see EvidenceClass). */
  readonly timing: boolean;
  readonly describes: string;
}

/** Every metric there is. A threshold on any other name is an error in the scenario. */
export const METRICS = {
  mcp_request_duration_ms: {
    type: 'trend',
    unit: 'ms',
    timing: true,
    describes: 'response time of requests, from the moment each was due to its complete answer',
  },
  mcp_request_service_ms: {
    type: 'trend',
    unit: 'ms',
    timing: true,
    describes: 'service time of requests, from the moment each was sent to its complete answer',
  },
  schedule_lag_ms: {
    type: 'trend',
    unit: 'ms',
    timing: true,
    describes: 'how late the simulator itself was: moment sent minus moment due',
  },
  mcp_requests: { type: 'counter', unit: '1', timing: false, describes: 'requests sent' },
  mcp_request_errors: {
    type: 'rate',
    unit: '1',
    timing: false,
    describes: 'share of requests without the answer they were owed (refused, lost, timed out, wrong)',
  },
  iterations: { type: 'counter', unit: '1', timing: false, describes: 'flows run to their end' },
  dropped_iterations: {
    type: 'counter',
    unit: '1',
    timing: true,
    describes: 'arrivals that found no free virtual user',
  },
  sessions_opened: { type: 'counter', unit: '1', timing: false, describes: 'sessions opened' },
  sessions_observed: {
    type: 'gauge',
    unit: '1',
    timing: false,
    describes: 'live sessions as the target counts them',
  },
  reap_lag_ms: {
    type: 'trend',
    unit: 'ms',
    timing: false,
    describes: 'time from the last use of an abandoned session to its end (upper bound per session)',
  },
  target_rss_bytes: {
    type: 'gauge',
    unit: 'bytes',
    timing: false,
    describes: 'resident memory of the target process',
  },
  target_cpu_cores: {
    type: 'gauge',
    unit: 'cores',
    timing: false,
    describes: 'CPU used by the target process between two looks',
  },
  target_open_files: {
    type: 'gauge',
    unit: '1',
    timing: false,
    describes: 'open file descriptors of the target process',
  },
  target_heap_bytes: {
    type: 'gauge',
    unit: 'bytes',
    timing: false,
    describes: 'heap in use and external memory of a Node target after forced garbage collection (--heap)',
  },
  target_handles: {
    type: 'gauge',
    unit: '1',
    timing: false,
    describes: 'active handles and requests of a Node target (--heap)',
  },
  target_event_loop_delay_ms: {
    type: 'gauge',
    unit: 'ms',
    timing: true,
    describes: "delay of a Node target's event loop between two looks, 99th percentile (--heap)",
  },
  target_gc_ms: {
    type: 'gauge',
    unit: 'ms',
    timing: true,
    describes: 'time that a Node target spent in garbage collection between two looks (--heap)',
  },
} as const satisfies Record<string, MetricDefinition>;

export type MetricName = keyof typeof METRICS;
