#!/usr/bin/env node
import './check-node.js';
import { existsSync } from 'node:fs';

// A checkout has the sources, which Node runs as they stand; there, a dist/ left over from packing may be old.
// The published package has dist/ alone: Node strips no types inside node_modules.
const sources = new URL('../simulator/cli.ts', import.meta.url);
const program = existsSync(sources) ? sources : new URL('../dist/simulator/cli.js', import.meta.url);

// Imported only now: an older Node would stop at the first type annotation.
const { main } = await import(program.href);
await main(process.argv);
