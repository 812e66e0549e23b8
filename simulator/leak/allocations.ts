import * as z from 'zod';
import type { Inspector } from '../observers/inspector.ts';

interface ProfileNode {
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly selfSize: number;
  readonly children: readonly ProfileNode[];
}
const NodeSchema: z.ZodType<ProfileNode> = z.lazy(() =>
  z.object({
    callFrame: z.object({ functionName: z.string(), url: z.string(), lineNumber: z.number() }),
    selfSize: z.number(),
    children: z.array(NodeSchema),
  }),
);
const ProfileSchema = z.object({ profile: z.object({ head: NodeSchema }) });

export interface Allocation {
  /** `addRule node_modules/ajv/dist/core.js:412`. */
  readonly site: string;
  /** Per unit. */
  readonly bytes: number;
}

/** One sample about every so many bytes: what takes less than 100 bytes per unit is missed. */
const SAMPLE_EVERY_BYTES = 512;
const MIN_BYTES = 64;
const MAX_SITES = 5;
/** Path segments of a file that are shown. */
const SHOWN_SEGMENTS = 4;

/** Begins to take down where memory is allocated. @throws InspectorError */
export async function startSampling(inspector: Inspector): Promise<void> {
  await inspector.send('HeapProfiler.startSampling', { samplingInterval: SAMPLE_EVERY_BYTES });
}

/** Where what is still there was allocated, the largest first. Ends the sampling. @throws InspectorError */
export async function survivors(inspector: Inspector, units: number): Promise<Allocation[]> {
  const answer = await inspector.send('HeapProfiler.getSamplingProfile');
  await inspector.send('HeapProfiler.stopSampling');
  const bytes = new Map<string, number>();
  const add = ({ callFrame, selfSize, children }: ProfileNode) => {
    const site = siteOf(callFrame);
    if (selfSize > 0 && site !== undefined) bytes.set(site, (bytes.get(site) ?? 0) + selfSize / units);
    for (const child of children) add(child);
  };
  add(ProfileSchema.parse(answer).profile.head);
  return [...bytes]
    .map(([site, perUnit]) => ({ site, bytes: Math.round(perUnit) }))
    .filter((allocation) => allocation.bytes >= MIN_BYTES)
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, MAX_SITES);
}

/** Undefined for V8's own, which no line of a program names. */
function siteOf({ functionName, url, lineNumber }: ProfileNode['callFrame']): string | undefined {
  if (url === '') return undefined;
  const file = url.startsWith('node:') ? url : url.split('/').slice(-SHOWN_SEGMENTS).join('/');
  return `${functionName || '(anonymous)'} ${file}:${lineNumber + 1}`;
}
