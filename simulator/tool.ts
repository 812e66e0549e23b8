import { readFileSync } from 'node:fs';
import * as z from 'zod';

const PackageSchema = z.object({ name: z.string(), version: z.string() });

/** Name and version of this program, as its package says. */
export const TOOL = PackageSchema.parse(
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')),
);
