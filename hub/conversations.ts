import type { Agent } from './agents.ts';

export interface Message {
  /** Counts up over the whole hub, so that a cursor stays good whatever is dropped in between. */
  readonly id: number;
  readonly from: Agent;
  readonly to: Agent;
  readonly text: string;
  /** Monotonic, ms. */
  readonly sentAt: number;
}

export interface ConversationPage {
  readonly messages: readonly Message[];
  /** Messages of this reader that are no longer kept. */
  readonly dropped: number;
  /** The `after` of the next page; undefined when there is none. */
  readonly next: number | undefined;
}

/** What may be kept: 64 MiB in all, at worst. */
const LIMITS = {
  conversations: 1_000,
  messagesPerConversation: 100,
  bytesPerConversation: 65_536,
} as const;

export type ConversationLimits = Readonly<Record<keyof typeof LIMITS, number>>;

/** The longest message, in UTF-16 units: at three bytes each one still fits into a conversation. */
export const MAX_MESSAGE_LENGTH = 16_384;

interface Conversation {
  readonly key: string;
  readonly messages: Message[];
  bytes: number;
  /** Those who took part and live, and how many of their messages had to be dropped. */
  readonly dropped: Map<Agent, number>;
}

/**
 * What agents said to each other. A conversation is known by the names of its two agents; a message in it is
 * shown to the two agents it went between and to no namesake of theirs that came later. So an agent that comes
 * back in a new session neither costs its peer what was kept, nor reads what its predecessor wrote.
 *
 * Bounded in every direction: beyond its own limits a conversation drops its oldest messages, beyond the number
 * of conversations the one goes that was neither added to nor read for longest. What nobody can read any more,
 * since both its agents have ended, is not kept.
 */
export class Conversations {
  readonly #limits: ConversationLimits;
  /** The longest idle first. */
  readonly #byKey = new Map<string, Conversation>();
  readonly #byAgent = new Map<Agent, Set<Conversation>>();
  #lastId = 0;

  constructor(limits: Partial<ConversationLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  get size(): number {
    return this.#byKey.size;
  }

  add(from: Agent, to: Agent, text: string): Message {
    this.#lastId += 1;
    const message = { id: this.#lastId, from, to, text, sentAt: performance.now() };
    const conversation = this.#touch(keyOf(from.name, to.name)) ?? this.#begin(keyOf(from.name, to.name));
    for (const agent of [from, to]) this.#join(agent, conversation);
    conversation.messages.push(message);
    conversation.bytes += Buffer.byteLength(text);
    this.#trim(conversation);
    return message;
  }

  /** One page of what the reader and agents of the other name said to each other, oldest first. */
  page(
    reader: Agent,
    otherName: string,
    { after, limit }: { after: number; limit: number },
  ): ConversationPage | undefined {
    const conversation = this.#byKey.get(keyOf(reader.name, otherName));
    if (!conversation?.dropped.has(reader)) return undefined;
    this.#touch(conversation.key);
    const rest = conversation.messages.filter((message) => message.id > after && concerns(message, reader));
    const messages = rest.slice(0, limit);
    return {
      messages,
      dropped: conversation.dropped.get(reader) ?? 0,
      next: rest.length > limit ? messages.at(-1)?.id : undefined,
    };
  }

  /** Lets go of what the agent was the last one to be able to read. */
  agentEnded(agent: Agent): void {
    for (const conversation of this.#byAgent.get(agent) ?? []) {
      conversation.dropped.delete(agent);
      if (conversation.dropped.size === 0) this.#byKey.delete(conversation.key);
      else keepReadable(conversation);
    }
    this.#byAgent.delete(agent);
  }

  #touch(key: string): Conversation | undefined {
    const conversation = this.#byKey.get(key);
    if (!conversation) return undefined;
    this.#byKey.delete(key);
    this.#byKey.set(key, conversation);
    return conversation;
  }

  #begin(key: string): Conversation {
    if (this.#byKey.size >= this.#limits.conversations) this.#dropLongestIdle();
    const conversation: Conversation = { key, messages: [], bytes: 0, dropped: new Map() };
    this.#byKey.set(key, conversation);
    return conversation;
  }

  #join(agent: Agent, conversation: Conversation): void {
    if (conversation.dropped.has(agent)) return;
    conversation.dropped.set(agent, 0);
    const own = this.#byAgent.get(agent);
    if (own) own.add(conversation);
    else this.#byAgent.set(agent, new Set([conversation]));
  }

  #trim(conversation: Conversation): void {
    const { messages, dropped } = conversation;
    const { messagesPerConversation, bytesPerConversation } = this.#limits;
    while (messages.length > messagesPerConversation || conversation.bytes > bytesPerConversation) {
      const oldest = messages.shift();
      if (!oldest) return;
      conversation.bytes -= Buffer.byteLength(oldest.text);
      for (const agent of [oldest.from, oldest.to]) {
        const count = dropped.get(agent);
        if (count !== undefined) dropped.set(agent, count + 1);
      }
    }
  }

  #dropLongestIdle(): void {
    const { value: idle } = this.#byKey.values().next();
    if (!idle) return;
    this.#byKey.delete(idle.key);
    for (const agent of idle.dropped.keys()) {
      const own = this.#byAgent.get(agent);
      own?.delete(idle);
      if (own?.size === 0) this.#byAgent.delete(agent);
    }
  }
}

/** Names hold no space, so two of them joined by one name one pair only. */
function keyOf(one: string, other: string): string {
  return one < other ? `${one} ${other}` : `${other} ${one}`;
}

function concerns({ from, to }: Message, reader: Agent): boolean {
  return from === reader || to === reader;
}

/** Takes out messages between agents that have both ended, while namesakes of theirs still talk. */
function keepReadable(conversation: Conversation): void {
  const kept = conversation.messages.filter(({ from, to }) => !from.isEnded || !to.isEnded);
  conversation.messages.splice(0, Number.POSITIVE_INFINITY, ...kept);
  conversation.bytes = kept.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
}
