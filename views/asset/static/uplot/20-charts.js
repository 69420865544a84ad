// Draws the charts: each [data-chart] from the JSON in that attribute. Lines are
// labelled at their end; releases are hairlines with a name.
(() => {
  const drawn = new Map(); // box → { plot, data }
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const tones = { ink: "--ink", busy: "--busy", soft: "--line-strong", warn: "--warn", bad: "--bad" };
  const font = (size) => `${size}px ${getComputedStyle(document.body).fontFamily}`;

  const digits = (x) => (Math.abs(x) >= 100 || Number.isInteger(x) ? Math.round(x).toString() : x.toFixed(1).replace(/\.0$/, ""));
  const duration = (s) => {
    if (s === 0) return "0";
    for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]]) if (s >= size) return `${digits(s / size)} ${unit}`;
    return s >= 0.001 ? `${digits(s * 1000)} ms` : `${digits(s * 1e6)} µs`;
  };
  const count = (n) => (n >= 1e6 ? `${digits(n / 1e6)} M` : n >= 1e4 ? `${digits(n / 1e3)} k` : n > 0 && n < 0.1 ? n.toPrecision(1) : digits(n));

  // ends writes each line's name at its last point, moved apart where they are close.
  const ends = (data, write) => (u) => {
    const labels = [];
    data.lines.forEach((line, i) => {
      let last = line.values.length - 1;
      while (last >= 0 && line.values[last] === null) last--;
      if (last < 0) return;
      const value = last > line.values.length - 4 ? ` ${write(line.values[last])}` : ""; // an old value is not the present one
      labels.push({ text: line.name + value, y: u.valToPos(line.values[last], "y", true), color: token(tones[line.tone]) });
    });
    labels.sort((a, b) => a.y - b.y);
    const gap = 13 * devicePixelRatio;
    for (let i = 1; i < labels.length; i++) labels[i].y = Math.max(labels[i].y, labels[i - 1].y + gap);
    const bottom = u.bbox.top + u.bbox.height;
    for (let i = labels.length - 1; i >= 0; i--) labels[i].y = Math.min(labels[i].y, bottom - (labels.length - 1 - i) * gap);
    const ctx = u.ctx;
    ctx.save();
    ctx.font = font(11.5 * devicePixelRatio);
    ctx.textBaseline = "middle";
    ctx.textAlign = "left";
    for (const l of labels) {
      ctx.fillStyle = l.color;
      ctx.fillText(l.text, u.bbox.left + u.bbox.width + 7 * devicePixelRatio, l.y);
    }
    ctx.restore();
  };

  // marks draws a hairline for each release, with its name where there is room.
  const marks = (data) => (u) => {
    const ctx = u.ctx;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = token("--soft");
    ctx.lineWidth = 1;
    ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.font = font(10.5 * devicePixelRatio);
    ctx.textBaseline = "top";
    ctx.textAlign = "left";
    let free = -Infinity;
    for (const m of data.marks) {
      const x = Math.round(u.valToPos(m.at, "x", true)) + 0.5;
      ctx.beginPath();
      ctx.moveTo(x, u.bbox.top);
      ctx.lineTo(x, u.bbox.top + u.bbox.height);
      ctx.stroke();
      const width = ctx.measureText(m.name).width;
      const left = Math.min(x + 3 * devicePixelRatio, u.bbox.left + u.bbox.width - width);
      if (left > free) {
        ctx.fillText(m.name, left, u.bbox.top);
        free = left + width + 4 * devicePixelRatio;
      }
    }
    ctx.restore();
  };

  const options = (box, data) => {
    const write = data.unit === "s" ? duration : count;
    const axis = { stroke: () => token("--soft"), font: font(11), ticks: { show: false } };
    return {
      width: box.clientWidth,
      height: box.clientHeight,
      legend: { show: false },
      cursor: { points: { size: 5 }, drag: { x: false, y: false }, sync: { key: "time" } },
      padding: [6, 96, 0, 0],
      scales: { y: { range: (u, min, max) => [0, max > 0 ? max * 1.08 : 1] } },
      axes: [
        { ...axis, grid: { show: false }, size: 22, values: "{HH}:{mm}", ...times(data) },
        {
          ...axis, size: 58, splits: (u, i, min, max) => [0, max / 2.16, max / 1.08],
          values: (u, list) => list.map(write), grid: { stroke: () => token("--line"), width: 1 },
        },
      ],
      series: [{}, ...data.lines.map((l) => ({ stroke: () => token(tones[l.tone]), width: 1.25, points: { show: false }, spanGaps: false }))],
      hooks: { draw: [marks(data), ends(data, write)], setCursor: [(u) => title(box, u, data, write)] },
    };
  };

  // times writes the axis: hours and minutes for up to two days, otherwise days.
  const times = (data) => {
    const long = data.at.at(-1) - data.at[0] > 2 * 86400;
    const write = new Intl.DateTimeFormat(undefined, long ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit", hour12: false });
    return { space: 70, values: (u, list) => list.map((at) => write.format(at * 1000)) };
  };

  // title says the values under the pointer.
  const title = (box, u, data, write) => {
    const i = u.cursor.idx;
    const text = i == null ? "" : `${new Date(data.at[i] * 1000).toLocaleString()}: ` + data.lines.map((l) => `${l.name} ${l.values[i] === null ? "–" : write(l.values[i])}`).join(", ");
    if (box.title !== text) box.title = text;
  };

  const draw = () => {
    for (const [box, d] of drawn) if (!box.isConnected) { d.plot.destroy(); drawn.delete(box); }
    for (const box of document.querySelectorAll("[data-chart]")) {
      const text = box.dataset.chart;
      const before = drawn.get(box);
      if (before?.text === text || box.clientWidth === 0) continue;
      before?.plot.destroy();
      const data = JSON.parse(text);
      if (data.at.length === 0) continue;
      box.replaceChildren();
      drawn.set(box, { text, plot: new uPlot(options(box, data), [data.at, ...data.lines.map((l) => l.values)], box) });
    }
  };
  const redraw = () => {
    for (const d of drawn.values()) d.text = "";
    draw();
  };
  draw();
  document.addEventListener("console:changed", draw);
  let width = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; redraw(); } });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
})();
