/** The look of the page. Colours are those of Okabe and Ito, made darker or lighter where text needs it. */
export const THEME = `
:root{color-scheme:light dark;--bg:#f6f6f4;--card:#fff;--ink:#1b1d20;--soft:#565b62;--line:#dcdee1;--good:#006b4f;--bad:#ad2f09;--unsure:#7a5200;--quiet:#565b62;--good-bg:#e8f4ef;--bad-bg:#fcede7;--unsure-bg:#fbf3e0;--link:#00588a;--c-main:#0072b2;--c-band:#56b4e9;--c-wrong:#d55e00;--c-green:#00805d;--c-purple:#9a4f7a;--c-orange:#b37400;--grid:#e7e8ea}
@media (prefers-color-scheme:dark){:root{--bg:#131518;--card:#1b1e22;--ink:#e7e9ec;--soft:#a5abb3;--line:#33383e;--good:#4fd0a5;--bad:#ff9a6e;--unsure:#f0bd4f;--quiet:#a5abb3;--good-bg:#16271f;--bad-bg:#2e1c14;--unsure-bg:#2a2413;--link:#7cc4f0;--c-main:#56b4e9;--c-band:#2f7fae;--c-wrong:#e8702a;--c-green:#2fc096;--c-purple:#d893b6;--c-orange:#e69f00;--grid:#2a2e33}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:1120px;margin:0 auto;padding:24px clamp(12px,3vw,32px) 64px}
a{color:var(--link)}h2{font-size:1.15rem;margin:0 0 12px}h3{font-size:1rem;margin:22px 0 8px}p{margin:0 0 10px}
code,pre{font:0.92em/1.45 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
:focus-visible{outline:2px solid var(--link);outline-offset:2px;border-radius:3px}
.skip{position:absolute;left:-999px}.skip:focus{left:8px;top:8px;background:var(--card);padding:6px 10px}
.banner,.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:22px 26px;margin-bottom:18px}
.banner{border-left:8px solid var(--quiet)}.banner.good{border-left-color:var(--good)}.banner.bad{border-left-color:var(--bad)}.banner.unsure{border-left-color:var(--unsure)}
.scenario{margin:0;color:var(--soft);font-weight:600}
.verdict{display:flex;flex-wrap:wrap;align-items:center;gap:4px 14px;margin:2px 0 6px;font-size:1.25rem;font-weight:500}
.verdict .word{font-size:2.3rem;font-weight:750;letter-spacing:.01em;line-height:1.15}.verdict .icon{width:40px;height:40px}
.good .verdict .word,.good .verdict .icon,.badge.good{color:var(--good)}.bad .verdict .word,.bad .verdict .icon,.badge.bad{color:var(--bad)}.unsure .verdict .word,.unsure .verdict .icon,.badge.unsure{color:var(--unsure)}.badge.quiet{color:var(--quiet)}
.icon{width:1.15em;height:1.15em;vertical-align:-.2em;fill:none;stroke:currentColor;stroke-width:2.2;stroke-linecap:round;stroke-linejoin:round}
.badge{font-weight:600;white-space:nowrap}.badge .icon{margin-right:5px}.checks td:nth-child(5){white-space:nowrap}.deciding .badge{margin-right:6px}
.description,.note,.says,.allowed{color:var(--soft)}.description{max-width:85ch}.says{font-size:.93rem}
.deciding{list-style:none;margin:14px 0;padding:0}.deciding li{background:var(--bad-bg);border-radius:7px;padding:9px 14px;margin-bottom:6px}.unsure .deciding li{background:var(--unsure-bg)}.deciding p{margin:0}.deciding code{font-weight:600;margin-right:10px}
.reason{overflow-wrap:anywhere}.deciding .reason{font-size:.9rem;margin-top:2px}
.first{display:grid;grid-template-columns:1fr 1fr;gap:4px 28px;margin:14px 0 6px}.first h2{font-size:.85rem;color:var(--soft);margin:0 0 4px;font-weight:600}
.chips{list-style:none;margin:0;padding:0;display:flex;flex-wrap:wrap;gap:4px 18px}.chip-name{color:var(--soft)}
.replay{display:flex;flex-wrap:wrap;gap:8px;align-items:center;background:var(--bg);border:1px solid var(--line);border-radius:7px;padding:8px 12px;margin:10px 0 16px}.replay code{flex:1 1 300px}
button{font:inherit;color:var(--link);background:var(--card);border:1px solid var(--line);border-radius:6px;padding:3px 14px;cursor:pointer}button[hidden]{display:none}button:hover{border-color:var(--link)}.copied{color:var(--good);font-size:.9rem}
.facts{display:flex;flex-wrap:wrap;gap:8px 30px;margin:0}.facts div{min-width:0}.facts dt{color:var(--soft);font-size:.82rem}.facts dd{margin:0;overflow-wrap:anywhere}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:6px 20px;margin:0 0 18px;padding:0 4px}
.scroll{overflow-x:auto;margin:6px 0 12px}table{border-collapse:collapse;width:100%;font-size:.93rem}caption{text-align:left;color:var(--soft);font-size:.86rem;padding-bottom:4px}
th,td{text-align:left;vertical-align:top;padding:6px 14px 6px 0;border-bottom:1px solid var(--line);font-weight:400}thead th{color:var(--soft);font-size:.82rem;font-weight:600}.n{text-align:right;font-variant-numeric:tabular-nums}
.checks tbody tr:first-child>*{border-bottom:0;padding-top:9px}.checks .more td{padding-top:0}.checks tbody>tr:only-child>*{border-bottom:1px solid var(--line)}.trouble th code{font-weight:700}
summary{cursor:pointer;color:var(--link);font-size:.9rem}.details{display:grid;grid-template-columns:max-content 1fr;gap:4px 16px;margin:8px 0;font-size:.92rem}.details dt{color:var(--soft)}.details dd{margin:0;min-width:0}.evidence{margin:0;padding-left:1.4em}.evidence li,.said,.path{overflow-wrap:anywhere}.path{display:block}
.equation{font-variant-numeric:tabular-nums;font-weight:550}.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
pre{background:var(--bg);border:1px solid var(--line);border-radius:7px;padding:12px;overflow:auto;max-height:560px;white-space:pre}
.chart{overflow-x:auto;margin:8px 0}.chart svg{display:block;width:100%;min-width:680px;height:auto}.chart text{fill:var(--ink);font:12px system-ui,"DejaVu Sans",sans-serif}.chart .tick,.chart .legend,.chart .phase-name,.chart .bound-name{fill:var(--soft)}.chart .legend{font-size:11.5px}.chart .panel{font-weight:650}.chart .on-bar{fill:#fff}
.grid{stroke:var(--grid)}.axis{stroke:var(--soft)}.phase.load{fill:var(--ink);opacity:.055}.phase.settle{fill:none}.phase.drain{fill:var(--c-orange);opacity:.12}
.line,.thin,.dashed,.dotted,.edge{fill:none;stroke:currentColor;stroke-width:2;stroke-linejoin:round}.thin,.edge{stroke-width:1}.edge{opacity:.8}.dashed{stroke-dasharray:7 4}.dotted{stroke-dasharray:2 4}.area{fill:currentColor;opacity:.28}.bar,.dot{fill:currentColor}
.s-observed,.s-response,.s-p50Ms,.s-certified{color:var(--c-main)}.s-band{color:var(--c-band)}.s-wrong{color:var(--c-wrong)}.s-wrong .area,.s-wrong .bar{fill:url(#hatch);opacity:1}.s-heap,.s-p95Ms{color:var(--c-green)}.s-rss,.s-coarse{color:var(--soft)}.s-requests{color:var(--c-band)}.s-p95Ms .line{stroke-dasharray:7 3}.s-p99Ms{color:var(--c-purple)}.s-p99Ms .line{stroke-dasharray:2 3}.s-service,.s-slope{color:var(--c-purple)}.s-budget,.s-early{color:var(--c-orange)}
.s-coarse .bar{fill:none;stroke:currentColor}.s-early .bar{stroke:var(--ink);stroke-dasharray:3 2}
.hatch-ground{fill:var(--c-wrong);opacity:.55}.hatch-stripe{fill:var(--c-wrong)}
.bound{stroke:var(--c-green);stroke-dasharray:5 3}.bound-band{fill:var(--c-green);opacity:.1}
.marker line{stroke:var(--c-wrong);stroke-dasharray:4 4}.marker path{fill:var(--bad)}.marker text{fill:var(--card);font-size:10px;font-weight:700}.markers{columns:3 220px;font-size:.92rem}
.end-a{color:#0072b2}.end-b{color:#00785a}.end-c{color:#8a4a6e}.end-d{color:#8a5a00}.end-e{color:#5c636b}.end-f{color:#b34e00}
.zoom{margin:0;text-align:right}.explorer .uplot{margin-bottom:12px}.u-legend{color:var(--ink);font-size:12px}
footer{color:var(--soft);font-size:.88rem}
@media (max-width:720px){.first{grid-template-columns:1fr}.banner,.card{padding:16px}.details{grid-template-columns:1fr}}
@media (prefers-reduced-motion:reduce){*{animation:none!important;transition:none!important;scroll-behavior:auto!important}}
@media print{:root{color-scheme:light;--bg:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#bbb}body{font-size:11px}main{max-width:none;padding:0}nav,button,.skip,.explorer,.copied{display:none!important}.card,.banner{break-inside:avoid-page;border-radius:0;padding:10px 0;border-width:0 0 1px}.chart,tbody{break-inside:avoid}}
`;
