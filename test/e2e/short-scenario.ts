/** A few sessions, a timeout of half a second. Sessions live long enough to be seen. */
export const SHORT = `version: 1
name: short
description: A few sessions, over in a second or two.
hub:
  virtual: { sessionTimeout: 500ms, cleanupInterval: 100ms, handshakeTimeout: 500ms, heartbeat: 150ms }
  real: { sessionTimeout: 500ms, cleanupInterval: 100ms, handshakeTimeout: 500ms, heartbeat: 150ms }
workloads:
  polite:
    executor: per-vu-iterations
    vus: 5
    iterations: 1
    flow:
      - initialize
      - call: { tool: echo, arguments: { message: hi } }
      - think: 300ms
      - delete
      - expect-gone
  rude:
    executor: per-vu-iterations
    vus: 3
    iterations: 1
    flow:
      - initialize
      - call: { tool: echo, arguments: { message: bye } }
      - abandon: silent
settle: D + T + 2C
observe: 50ms
`;
