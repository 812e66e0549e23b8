import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

export interface Assets {
  readonly script: string;
  readonly style: string;
}

let read: Assets | undefined;

/** The source of uPlot, read when the first page needs it. */
export function uplotAssets(): Assets {
  read ??= { script: text('uPlot.iife.min.js'), style: text('uPlot.min.css') };
  return read;
}

function text(file: string): string {
  const path = createRequire(import.meta.url).resolve(`uplot/dist/${file}`);
  // A page has line feeds only, and so has what its hash is made of.
  return readFileSync(path, 'utf8').replaceAll('\r', '');
}

/** A source expression of a Content-Security-Policy that allows this text, and no other. */
export function sourceHash(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
