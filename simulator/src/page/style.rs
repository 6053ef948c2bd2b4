//! How the page looks: quiet, with one colour for each thing, in light and in dark.

/// The style sheet. No character of it needs to be escaped.
pub(super) const CSS: &str = "
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5b6470; --paper: #ffffff; --line: #d8dde3;
  --home: #2f6f9f; --cloud: #8fc1e3; --load: #1b1f24; --unserved: #d1242f;
  --pinisi: #1a7f37; --hpa: #bc4c00; --keda: #8250df; --knative: #0969da; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --soft: #9aa4af; --paper: #14181d; --line: #333a42;
  --home: #3d82b5; --cloud: #234a63; --load: #f2f4f6; --unserved: #ff6b6b;
  --pinisi: #3fb950; --hpa: #f0883e; --keda: #bc8cff; --knative: #58a6ff; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; } h2 { font-size: 1.25rem; margin-top: 2.5rem; }
.lead { font-size: 1.15rem; } .wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; } th, td { padding: .4rem .6rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
thead th { color: var(--soft); font-weight: 500; white-space: normal; } tr th:first-child { text-align: left; font-weight: 600; }
.oracle th, .oracle td { color: var(--soft); font-weight: 400; }
.dot { display: inline-block; width: .7em; height: .7em; border-radius: 50%; margin-right: .5em; background: var(--soft); }
.dot.pinisi, .key.pinisi { background: var(--pinisi); } .dot.hpa, .key.hpa { background: var(--hpa); }
.dot.keda, .key.keda { background: var(--keda); } .dot.knative, .key.knative { background: var(--knative); }
figure { margin: 0; } figcaption { color: var(--soft); font-size: .9rem; }
.key { display: inline-block; width: 1em; height: .7em; margin: 0 .4em 0 1em; } .key.home { background: var(--home); }
.key.cloud { background: var(--cloud); } .key.load { background: var(--load); height: .2em; vertical-align: middle; } .key.unserved { background: var(--unserved); }
svg { width: 100%; height: auto; display: block; } svg text { fill: var(--soft); font-size: 12px; }
.grid { stroke: var(--line); stroke-width: 1; } .a-home { fill: var(--home); } .a-cloud { fill: var(--cloud); } .a-unserved { fill: var(--unserved); }
.l-load, .l-pinisi, .l-hpa, .l-keda, .l-knative, .l-needed { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
.l-load { stroke: var(--load); } .l-needed { stroke: var(--soft); stroke-dasharray: 5 4; }
.l-pinisi { stroke: var(--pinisi); } .l-hpa { stroke: var(--hpa); } .l-keda { stroke: var(--keda); } .l-knative { stroke: var(--knative); }
";
