/**
 * Members in the order of their last use, oldest first: a doubly linked list, because a Set that members leave
 * and join again fills up with their old places, and finding the oldest then means to walk over all of these.
 */
export class UseOrder<Member> {
  #oldest: Place<Member> | undefined;
  #newest: Place<Member> | undefined;

  /** The longest unused one; undefined when there is none. */
  get oldest(): Place<Member> | undefined {
    return this.#oldest;
  }

  /** The place becomes the newest, whether it was in this order before or not. O(1). */
  touch(place: Place<Member>): void {
    if (this.#newest === place) return;
    this.remove(place);
    place.older = this.#newest;
    if (this.#newest) this.#newest.newer = place;
    else this.#oldest = place;
    this.#newest = place;
  }

  /** Nothing happens when it is not there. O(1). */
  remove(place: Place<Member>): void {
    const { older, newer } = place;
    if (older) older.newer = newer;
    else if (this.#oldest === place) this.#oldest = newer;
    if (newer) newer.older = older;
    else if (this.#newest === place) this.#newest = older;
    place.older = undefined;
    place.newer = undefined;
  }
}

/** A member's place in one order. */
export class Place<Member> {
  readonly member: Member;
  older: Place<Member> | undefined;
  newer: Place<Member> | undefined;

  constructor(member: Member) {
    this.member = member;
  }
}
