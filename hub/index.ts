/*
 * The reference hub as a library: `createHub(loadConfig({ port: 8000 })).listen()`, or its `app` in a server of
 * one's own.
 */

export {
  ConfigError,
  type HubConfig,
  type HubOptions,
  loadConfig,
} from './config.ts';
export { createHub, type Hub, type HubParts } from './hub.ts';
export type { McpServerContext } from './server-context.ts';
export type { McpServerLike } from './session.ts';
