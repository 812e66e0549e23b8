/** A failure mode that no probe looks for, and why not. */
export interface NotProbed {
  readonly failureMode: string;
  readonly reason: string;
}

const CLIENT =
  'it is a failure of clients: the server can only be cheap and clear towards them, which other checks see';
const DEPLOYMENT = 'it takes several servers, and what stands before them: an audit has one';

/** What an audit says nothing of, in the order of the failure modes. Every other one has a probe. */
export const NOT_PROBED: readonly NotProbed[] = [
  { failureMode: 'F22', reason: CLIENT },
  { failureMode: 'F27', reason: DEPLOYMENT },
  { failureMode: 'F55', reason: DEPLOYMENT },
];
