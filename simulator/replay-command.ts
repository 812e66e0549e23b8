import type { Policy } from './judge/policy.ts';
import type { ObserverRequest, RunRequest, TargetRequest } from './run-request.ts';
import { isLoopback } from './targets/url.ts';

/** The command that makes this run again. */
export function replayCommand({ loaded, mode, seed, target, policy, observers }: RunRequest): string {
  const parts = [
    `npx mcp-soak run ${quoted(loaded.source.file)} --mode ${mode} --seed ${seed}`,
    ...(target ? targetFlags(target) : []),
    ...(policy && target ? policyFlags(policy) : []),
    ...(observers ? observerFlags(observers) : []),
  ];
  return parts.join(' ');
}

function targetFlags(target: TargetRequest): string[] {
  if (target instanceof URL) {
    return [`--target ${target.href}`, ...(isLoopback(target) ? [] : ['--allow-remote'])];
  }
  if ('command' in target) return [`--command ${quoted(target.command)}`, `--url ${target.url.href}`];
  if ('launch' in target) return [];
  return [`--module ${quoted(target.module)}`, ...(target.path === '/mcp' ? [] : [`--url ${target.path}`])];
}

/** The policy as `--policy` takes it. */
function policyFlags({ maxSessions, ...times }: Policy): string[] {
  const promises = Object.entries(times).flatMap(([name, ms]) =>
    name.endsWith('Ms') && typeof ms === 'number' ? [`${name.slice(0, -'Ms'.length)}=${ms}ms`] : [],
  );
  const all = maxSessions === null ? promises : [...promises, `maxSessions=${maxSessions}`];
  return all.length === 0 ? [] : [`--policy ${all.join(' ')}`];
}

function observerFlags({ heap, sessionsFrom }: ObserverRequest): string[] {
  return [
    ...(heap === 'target' ? ['--heap'] : []),
    ...(typeof heap === 'number' ? [`--inspect-pid ${heap}`] : []),
    ...(sessionsFrom ? [`--sessions-from ${quoted(sessionsFrom.text)}`] : []),
  ];
}

/** A word as a shell takes it whole. */
function quoted(text: string): string {
  return /^[\w./:@=+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
