import { A1_DEFECTS } from './defects/a1-never-ending.ts';
import { A2_DEFECTS } from './defects/a2-ending-too-early.ts';
import { A3_DEFECTS } from './defects/a3-told-wrong.ts';
import { A4_DEFECTS } from './defects/a4-wrong-party.ts';
import { A5_DEFECTS } from './defects/a5-lost-calls.ts';
import { A6_DEFECTS } from './defects/a6-overload.ts';
import { A7_DEFECTS } from './defects/a7-eras-and-restarts.ts';
import type { Defect } from './defects/defect.ts';

/*
 * One defect for each way in which a server can fail its sessions (FAILURE-MODES.md), or several where it has
 * several faces. Left out, because no server on its own can have them:
 *
 * F10 (stateless mode leaks), F53 (legacy traffic at a stateless server): both bases have sessions only.
 * F22 (the client never initializes anew): the client's.
 * F27 (half of a composite session is gone): only where a server stands in front of others.
 * F55 (several nodes without affinity): the deployment's.
 */
const ALL = {
  ...A1_DEFECTS,
  ...A2_DEFECTS,
  ...A3_DEFECTS,
  ...A4_DEFECTS,
  ...A5_DEFECTS,
  ...A6_DEFECTS,
  ...A7_DEFECTS,
};

export type DefectName = keyof typeof ALL;

/** Each is a switch in its server, to be found by its name. The policy that is published stays the healthy one. */
export const DEFECTS: Readonly<Record<DefectName, Defect>> = ALL;

export const DEFECT_NAMES: readonly DefectName[] = Object.keys(ALL).filter(isDefectName);

export function isDefectName(name: string): name is DefectName {
  return Object.hasOwn(ALL, name);
}
