#!/usr/bin/env node
import './check-node.js';

// Imported only now: an older Node would stop at the first type annotation.
const { main } = await import('../simulator/cli.ts');
await main(process.argv);
