/** A failure mode that no probe looks for, and why not. */
export interface NotProbed {
  readonly failureMode: string;
  readonly reason: string;
}

const MEMORY = 'it shows as memory that grows with load, which one audit is too short for: use mcp-soak leak';
const CLIENT =
  'it is a failure of clients: the server can only be cheap and clear towards them, which other checks see';
const DEPLOYMENT = 'it takes several servers, and what stands before them: an audit has one';

/** What an audit says nothing of, in the order of the failure modes. Every other one has a probe. */
export const NOT_PROBED: readonly NotProbed[] = [
  { failureMode: 'F22', reason: CLIENT },
  { failureMode: 'F27', reason: DEPLOYMENT },
  { failureMode: 'F50', reason: MEMORY },
  { failureMode: 'F55', reason: DEPLOYMENT },
];
