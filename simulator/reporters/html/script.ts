/** Adds what a page without script lacks: copying the command, and zooming into the time line. */
export const SCRIPT = `
'use strict';
for (const button of document.querySelectorAll('[data-copy]')) {
  button.hidden = false;
  button.addEventListener('click', async () => {
    const source = document.getElementById(button.dataset.copy);
    const note = button.parentElement.querySelector('.copied');
    try {
      await navigator.clipboard.writeText(source.textContent);
      note.textContent = 'Copied';
    } catch {
      getSelection().selectAllChildren(source);
      note.textContent = 'Selected: press Ctrl+C';
    }
  });
}
const zoom = document.querySelector('[data-zoom]');
const block = document.getElementById('time-data');
if (zoom && block && typeof uPlot === 'function') {
  const explorer = document.querySelector('.explorer');
  zoom.hidden = false;
  let plots = [];
  const close = () => {
    for (const plot of plots) plot.destroy();
    plots = [];
    explorer.hidden = true;
    zoom.setAttribute('aria-expanded', 'false');
    zoom.textContent = 'Zoom';
  };
  const open = () => {
    explorer.hidden = false;
    zoom.setAttribute('aria-expanded', 'true');
    zoom.textContent = 'Close zoom (drag to zoom in, double click to zoom out)';
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const together = (self) => {
      const { min, max } = self.scales.x;
      for (const other of plots)
        if (other !== self && (other.scales.x.min !== min || other.scales.x.max !== max)) other.setScale('x', { min, max });
    };
    plots = JSON.parse(block.textContent).map(({ title, height, data, series, from, to }) => new uPlot({
      title,
      width: Math.max(600, explorer.clientWidth),
      height,
      cursor: { sync: { key: 'time' } },
      scales: { x: { time: false, range: (self, min, max) => [min ?? from, max ?? to] } },
      axes: [0, 1].map(() => ({ stroke: colour('--soft'), grid: { stroke: colour('--grid') }, ticks: { stroke: colour('--grid') }, size: 62 })),
      series: [{ label: 'seconds' }, ...series.map(({ label, token, dash }) => ({ label, stroke: colour(token), width: 1.5, dash, spanGaps: true }))],
      hooks: { setScale: [(self, key) => { if (key === 'x') together(self); }] },
    }, data, explorer));
  };
  zoom.addEventListener('click', () => (plots.length > 0 ? close() : open()));
  explorer.addEventListener('keydown', (event) => { if (event.key === 'Escape') close(); });
}
`;
