import { formatLength, grouped } from '../../judge/format.ts';
import type { RunResult } from '../../result.ts';
import { html, type Markup } from './markup.ts';

/** Where and with what the run took place: environment, promises, scenario. */
export function setting(result: RunResult): Markup {
  const { environment, eventLog, policy, scenario, target } = result;
  const length = (ms: number | null) => (ms === null ? 'not promised' : formatLength(ms));
  const promises: [string, string][] = [
    ['T idle timeout', length(policy.sessionTimeoutMs)],
    ...Object.entries(policy.clientTimeoutsMs).map(([name, ms]): [string, string] => [
      `T of client ${name}`,
      formatLength(ms),
    ]),
    ['C cleanup interval', formatLength(policy.cleanupIntervalMs)],
    ['H handshake', length(policy.handshakeTimeoutMs)],
    ['D dead peer', length(policy.deadPeerMs)],
    ['S stream lost', length(policy.streamLostMs)],
    ['drain', length(policy.drainMs)],
    [
      'most sessions',
      policy.maxSessions === null ? 'no cap' : `${grouped(policy.maxSessions)}, ${policy.capRule}`,
    ],
  ];
  const places: [string, string][] = [
    ['Node', environment.node],
    ['platform', environment.platform],
    ['CPUs', String(environment.cpus)],
    ['memory', `${(environment.memoryBytes / 2 ** 30).toFixed(1)} GiB`],
    [
      'target shows its sessions as',
      { listed: 'a list', counted: 'a count', none: 'nothing' }[target.sessionsAre],
    ],
    ['events.jsonl', `${grouped(eventLog.lines)} lines${eventLog.isTruncated ? ', cut short' : ''}`],
    ['its SHA-256', eventLog.sha256],
  ];
  return html`<h3>What the target promised</h3>${facts(promises)}
<h3>Environment</h3>${facts(places)}
<h3>Scenario</h3><p class="note">${scenario.file}${scenario.covers.length > 0 && `, looks for ${scenario.covers.join(' ')}`}</p>
${scenario.text !== undefined && html`<details><summary>The file as it was run</summary><pre tabindex="0" role="region" aria-label="Scenario file">${scenario.text}</pre></details>`}`;
}

function facts(rows: readonly (readonly [string, string])[]): Markup {
  return html`<dl class="facts">${rows.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}
