// Builds dist/, which is what the published package runs: the sources as JavaScript, with declarations.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DIST = join(ROOT, 'dist');

rmSync(DIST, { recursive: true, force: true });
const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
const { status } = spawnSync(process.execPath, [tsc, '-p', join(ROOT, 'tsconfig.build.json')], {
  stdio: 'inherit',
});
if (status !== 0) process.exit(status ?? 1);

const emitted = readdirSync(DIST, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.js'))
  .map((path) => join(DIST, path));
for (const file of emitted) renameModuleUrls(file);

// `../package.json` of a module, as seen from dist/ (tool.ts). The real one would make dist/ a package of its own.
const { name, version, type } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
writeFileSync(join(DIST, 'package.json'), `${JSON.stringify({ name, version, type })}\n`);

/** tsc renames the files that are imported, but not those that are started: workers, and the hub as a process. */
function renameModuleUrls(file) {
  const text = readFileSync(file, 'utf8');
  const renamed = text.replace(/new URL\((['"])(\.[^'"]+)\.ts\1, import\.meta\.url\)/g, (_, quote, path) => {
    if (existsSync(join(dirname(file), `${path}.js`)))
      return `new URL(${quote}${path}.js${quote}, import.meta.url)`;
    process.stderr.write(`${file} starts ${path}.ts, which is not in dist/.\n`);
    process.exit(1);
  });
  if (renamed !== text) writeFileSync(file, renamed);
}
