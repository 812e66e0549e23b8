import type { RunResult } from '../../result.ts';

/** One chart for zooming: columns of values, the first of them the time in seconds. */
interface ZoomChart {
  readonly title: string;
  readonly height: number;
  readonly from: number;
  readonly to: number;
  readonly data: readonly (readonly (number | null)[])[];
  readonly series: readonly {
    readonly label: string;
    readonly token: string;
    readonly dash?: readonly number[];
  }[];
}

/** What the script draws when somebody zooms. */
export function zoomData({ series, traffic, durationMs }: RunResult): ZoomChart[] {
  const window = { from: 0, to: durationMs / 1_000 };
  const time = series.map(({ t }) => t / 1_000);
  const mib = (bytes: number | undefined) => (bytes === undefined ? null : bytes / 2 ** 20);
  const charts: ZoomChart[] = [];
  if (series.length > 1) {
    charts.push({
      ...window,
      title: 'Sessions on the target',
      height: 240,
      data: [
        time,
        series.map(({ observed }) => observed),
        series.map(({ must }) => must),
        series.map(({ may }) => may),
      ],
      series: [
        { label: 'seen', token: '--c-main' },
        { label: 'must live', token: '--c-green', dash: [6, 3] },
        { label: 'may live', token: '--c-orange', dash: [2, 3] },
      ],
    });
  }
  if (series.some(({ rssBytes }) => rssBytes !== undefined)) {
    charts.push({
      ...window,
      title: 'Memory, MiB',
      height: 180,
      data: [
        time,
        series.map(({ heapBytes }) => mib(heapBytes)),
        series.map(({ rssBytes }) => mib(rssBytes)),
      ],
      series: [
        { label: 'heap after collection', token: '--c-green' },
        { label: 'resident', token: '--soft' },
      ],
    });
  }
  if (traffic?.points.some(({ maxMs }) => maxMs >= 1)) {
    const { points } = traffic;
    charts.push({
      ...window,
      title: 'Response time, ms',
      height: 200,
      data: [
        points.map(({ t }) => t / 1_000),
        points.map((one) => one.p50Ms),
        points.map((one) => one.p95Ms),
        points.map((one) => one.p99Ms),
      ],
      series: [
        { label: 'p50', token: '--c-main' },
        { label: 'p95', token: '--c-green', dash: [6, 3] },
        { label: 'p99', token: '--c-purple', dash: [2, 3] },
      ],
    });
  }
  return charts;
}
