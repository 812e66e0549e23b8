/** A measurement that cannot go on, for a reason that lies with the target: says which. */
export class LeakError extends Error {
  override name = 'LeakError';
}

/** What was to be measured cannot be done on this target at all. */
export class NotObservableError extends LeakError {
  override name = 'NotObservableError';
}
