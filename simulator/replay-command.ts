import { type Policy, PolicySchema } from './judge/policy.ts';
import type { Headers } from './mcp/headers.ts';
import type { ObserverRequest, RunRequest, TargetRequest } from './run-request.ts';
import { quoted } from './shell-words.ts';
import { isLoopback } from './targets/url.ts';

/** The command that makes this run again. */
export function replayCommand({
  loaded,
  mode,
  seed,
  target,
  policy,
  observers,
  headers,
}: RunRequest): string {
  const parts = [
    `npx mcp-soak run ${quoted(loaded.source.file)} --mode ${mode} --seed ${seed}`,
    ...(target ? targetFlags(target) : []),
    ...(policy && target ? policyFlags(policy) : []),
    ...(observers ? observerFlags(observers) : []),
    ...(headers ? headerFlags(headers) : []),
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

/** The policy as `--policy` takes it; what it says when nobody says anything is left out. */
function policyFlags(policy: Policy): string[] {
  const unsaid = PolicySchema.parse({});
  const promises = Object.entries(policy).flatMap(([name, value]) => {
    if (name.endsWith('Ms')) {
      return typeof value === 'number' ? [`${name.slice(0, -'Ms'.length)}=${value}ms`] : [];
    }
    if (typeof value === 'object' || Reflect.get(unsaid, name) === value) return [];
    return [`${name}=${typeof value === 'boolean' ? (value ? 'on' : 'off') : value}`];
  });
  return promises.length === 0 ? [] : [`--policy ${promises.join(' ')}`];
}

function observerFlags({ heap, sessionsFrom }: ObserverRequest): string[] {
  return [
    ...(heap === 'target' ? ['--heap'] : []),
    ...(typeof heap === 'number' ? [`--inspect-pid ${heap}`] : []),
    ...(sessionsFrom ? [`--sessions-from ${quoted(sessionsFrom.text)}`] : []),
  ];
}

/** Headers may be tokens: they are named, not shown. */
function headerFlags(headers: Headers): string[] {
  return Object.keys(headers).map((name) => `--header ${quoted(`${name}: …`)}`);
}
