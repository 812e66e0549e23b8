// Plain JavaScript that any Node can read: it has to run on the wrong ones, too.
const LEAST_MAJOR = 24;

if (Number(process.versions.node.split('.')[0]) < LEAST_MAJOR) {
  process.stderr.write(
    `mcp-soak needs Node ${LEAST_MAJOR} or newer; this is Node ${process.versions.node} (${process.execPath}).\n` +
      'It brings its own: run "npm ci" here, then "npm start" or "npm test" instead of calling node directly.\n' +
      'If you did, your npm skipped install scripts: run "npm rebuild node", or install Node 26.\n',
  );
  process.exit(104);
}
