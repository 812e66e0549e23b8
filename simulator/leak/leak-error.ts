/** A measurement that cannot go on, for a reason that lies with the target: says which. */
export class LeakError extends Error {
  override name = 'LeakError';
}
