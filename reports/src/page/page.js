"use strict";
// Sorts and filters the tables, and hands the numbers of the page to the chart library.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const metric = new Map(data.metrics.map((metric) => [metric.name, metric]));
  const escaped = echarts.format.encodeHTML;
  const one = (selector, of = document) => of.querySelector(selector);
  const all = (selector, of = document) => [...of.querySelectorAll(selector)];

  // Tables ----------------------------------------------------------------------------------------------------------------

  const words = new Intl.Collator("en", { numeric: true });
  const number = (text) => (/^[-+]?[\d.,]+(e[-+]?\d+)?/i.test(text) ? parseFloat(text.replaceAll(",", "")) : NaN);

  function table(tools) {
    const table = document.getElementById(tools.dataset.for);
    const [head, body, rows] = [all("thead th", table), one("tbody", table), all("tbody tr", table)];
    const texts = rows.map((row) => row.textContent.toLowerCase());
    const [filter, output, more] = [one("[name=filter]", tools), one("output", tools), one("[name=all]", tools)];
    // Kinds of rows, each with a button that shows it alone.
    const kinds = rows.map((row) => one(".verdict", row)?.classList[1]);
    const chosen = all(`[data-of=${table.id}] button`);
    table.classList.add("live");
    tools.hidden = false;

    // A column's values: exact where they are known, otherwise what is written; nothing goes last either way.
    function values(column) {
      const exact = metric.get(head[column].dataset.metric);
      if (exact) return exact.mean;
      const written = rows.map((row) => row.cells[column].textContent.trim());
      const numbers = written.map(number);
      const isNumber = written.every((text, row) => text === "" || !isNaN(numbers[row]));
      return written.map((text, row) => (text === "" ? null : isNumber ? numbers[row] : text));
    }
    function sort(column) {
      const before = head[column].ariaSort;
      const now = before === "none" ? "ascending" : before === "ascending" ? "descending" : "none";
      head.forEach((th, place) => (th.ariaSort = place === column ? now : "none"));
      const of = values(column);
      const compare = (a, b) => (typeof a === "number" ? a - b : words.compare(a, b)) * (now === "descending" ? -1 : 1);
      const order = rows.map((_, row) => row);
      if (now !== "none") order.sort((a, b) => (of[a] === null) - (of[b] === null) || (of[a] === null ? 0 : compare(of[a], of[b])));
      body.append(...order.map((row) => rows[row]));
    }
    function show() {
      const wanted = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      const kind = chosen.find((button) => button.ariaPressed === "true")?.dataset.show;
      const fits = (place) => (!kind || kinds[place] === kind) && wanted.every((word) => texts[place].includes(word));
      rows.forEach((row, place) => (row.hidden = !fits(place)));
      const shown = rows.filter((row) => !row.hidden).length;
      output.textContent = shown === rows.length ? `${rows.length} rows` : `${shown} of ${rows.length} rows`;
    }
    head.forEach((th, column) => one("button", th).addEventListener("click", () => sort(column)));
    filter.addEventListener("input", show);
    chosen.forEach((button) => button.addEventListener("click", () => {
      table.closest("details")?.setAttribute("open", "");
      const now = button.ariaPressed !== "true";
      chosen.forEach((other) => (other.ariaPressed = String(now && other === button)));
      show();
    }));
    more?.addEventListener("change", () => table.classList.toggle("all", more.checked));
    show();
  }
  all("[data-for]").forEach(table);

  // Charts: what they share -----------------------------------------------------------------------------------------------

  const PAPER = { width: 690, height: 245 };
  const off = new Set();
  const charts = [];
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let printing = false;

  const shade = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const colour = (policy) => (dark.matches && !printing ? policy.dark : policy.colour);
  const policies = () => data.policies.filter((policy) => policy.name !== "" && !off.has(policy));
  const format = (value, decimals) => value.toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  const amount = ({ unit, decimals }, mean, half) =>
    format(mean, decimals) + (half == null ? "" : ` ± ${format(half, decimals)}`) + (unit && ` ${unit}`);
  const title = ({ words, better }) => words + (better && ` (${better})`);
  const swatch = (policy) => `<i style="background:${colour(policy)}"></i>${escaped(policy.name)}`;
  const tip = (heading, rows) =>
    `<strong>${escaped(heading)}</strong><table class="tip">` +
    rows.map(([left, right]) => `<tr><td>${left}</td><td style="text-align:right">${right}</td></tr>`).join("") + "</table>";

  function axis(name, more) {
    const quiet = { color: shade("quiet"), fontSize: 12 };
    return {
      name, nameLocation: "middle", nameTextStyle: quiet, axisLabel: quiet,
      axisLine: { show: true, lineStyle: { color: shade("line") } }, axisTick: { show: false },
      splitLine: { show: true, lineStyle: { color: shade("line"), width: 1 } }, ...more,
    };
  }
  const frame = (aria, more) => ({
    aria: { enabled: true, label: { description: aria } },
    animation: false,
    backgroundColor: "transparent",
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: shade("ink") },
    tooltip: {
      confine: true, backgroundColor: shade("sheet"), borderColor: shade("line"), textStyle: { color: shade("ink"), fontSize: 13 },
      axisPointer: { type: "line", lineStyle: { color: shade("quiet") }, shadowStyle: { color: shade("line"), opacity: 0.4 } },
    },
    grid: { left: 76, right: 24, top: 16, bottom: 56 },
    ...more,
  });

  // A chart redraws itself when what it hangs on changes. `steps` are the places that the arrow keys walk through.
  function chart(id, option, steps) {
    const figure = document.getElementById(`chart-${id}`);
    const canvas = one(".canvas", figure);
    canvas.role = "img"; // The library gives it its description.
    const chart = echarts.init(canvas, null, { renderer: "svg" });
    let at = -1;
    const draw = () => {
      at = -1;
      chart.setOption(option(figure, chart), { notMerge: true });
    };
    canvas.addEventListener("keydown", (event) => {
      const places = steps(chart.getOption());
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (by && places.length > 0) {
        at = at < 0 && by < 0 ? places.length - 1 : (at + by + places.length) % places.length;
        chart.dispatchAction({ type: "showTip", ...places[at] });
        event.preventDefault();
      } else if (event.key === "Escape") chart.dispatchAction({ type: "hideTip" });
    });
    canvas.addEventListener("blur", () => chart.dispatchAction({ type: "hideTip" }));
    all("select", figure).forEach((select) => select.addEventListener("change", draw));
    new ResizeObserver(() => printing || chart.resize()).observe(canvas);
    charts.push({ draw, chart, canvas });
    draw();
  }
  const without = (id, why) => {
    const [figure, note] = [document.getElementById(`chart-${id}`), document.createElement("p")];
    note.className = "note";
    note.textContent = `${one("h3", figure).textContent}: ${why}`;
    figure.replaceWith(note);
  };

  // Rows of a policy, and its row at a point.
  const rowsOf = (policy) => data.rows.flatMap(([of, point], row) => (data.policies[of] === policy ? [[row, point]] : []));
  const atPoints = (policy) => {
    const rows = new Array(data.points.length).fill(-1);
    rowsOf(policy).forEach(([row, point]) => (rows[point] = row));
    return rows;
  };

  // Bars of a metric ------------------------------------------------------------------------------------------------------

  const LAYOUT = { barGap: "12%", barCategoryGap: "26%", barMaxWidth: 56 };

  function whiskers(policy, place, count, rows, of) {
    const ends = rows.map((row, point) => [point, of.mean[row] - of.ci95[row], of.mean[row] + of.ci95[row], row]);
    return {
      type: "custom", name: policy.name, silent: true, tooltip: { show: false }, z: 5,
      data: ends.filter(([, , , row]) => row >= 0 && of.ci95[row]).map((end) => end.slice(0, 3)),
      encode: { x: 0, y: [1, 2] },
      renderItem(_, api) {
        const { offsetCenter, width } = api.barLayout({ ...LAYOUT, count })[place];
        const [x, low] = api.coord([api.value(0), api.value(1)]);
        const high = api.coord([api.value(0), api.value(2)])[1];
        const [middle, cap] = [x + offsetCenter, Math.min(6, width / 4)];
        const line = (x1, y1, x2, y2) => ({ type: "line", shape: { x1, y1, x2, y2 }, style: { stroke: shade("ink"), lineWidth: 1.2 } });
        const caps = [low, high].map((y) => line(middle - cap, y, middle + cap, y));
        return { type: "group", children: [line(middle, low, middle, high), ...caps] };
      },
    };
  }
  function bars(figure) {
    const of = metric.get(one("[name=metric]", figure).value);
    const shown = policies();
    const rows = shown.map(atPoints);
    const mean = (row) => (row < 0 ? null : of.mean[row]);
    const series = shown.map((policy, place) => ({
      type: "bar", name: policy.name, data: rows[place].map(mean), itemStyle: { color: colour(policy) }, ...LAYOUT,
    }));
    const across = printing ? PAPER.width : figure.clientWidth;
    const room = Math.max(3, Math.floor(across / Math.max(84, 18 * shown.length)));
    const width = across / Math.min(room, data.points.length) - 24;
    // Names in a line where they fit; else each part in its own, without its key if need be; else numbers.
    const parts = data.points.map((point) => point.split(/, |: /));
    const short = (part) => (6.6 * part.length < width ? part : part.replace(/^\S+ /, ""));
    const most = Math.max(...parts.map(({ length }) => length));
    const fit = data.points.every((point) => 6.6 * point.length < width);
    const names = fit ? data.points : parts.map((parts, place) => (most > 6 ? `point ${place + 1}` : parts.map(short).join("\n")));
    const lines = fit || most > 6 ? 1 : most;
    const zoom = { startValue: 0, endValue: room - 1, height: 18, bottom: 4, brushSelect: false, borderColor: shade("line"), textStyle: { color: shade("quiet") } };
    const zooms = data.points.length > room;
    const option = frame(`${title(of)}, by point, for ${shown.map((policy) => policy.name).join(", ")}`, {
      xAxis: axis("", {
        type: "category", data: names, splitLine: { show: false },
        axisLabel: { color: shade("quiet"), fontSize: 12, lineHeight: 15, overflow: "truncate", width, interval: 0 },
      }),
      yAxis: axis(title(of), { type: "value", nameGap: 58 }),
      dataZoom: zooms ? [{ type: "slider", ...zoom }] : [],
      series: [...series, ...shown.map((policy, place) => whiskers(policy, place, shown.length, rows[place], of))],
    });
    option.grid.bottom = 16 + 15 * lines + (zooms ? 26 : 0);
    Object.assign(option.tooltip, {
      trigger: "axis",
      formatter: (hits) => tip(data.points[hits[0].dataIndex], shown.flatMap((policy, place) => {
        const row = rows[place][hits[0].dataIndex];
        return row < 0 || of.mean[row] === null ? [] : [[swatch(policy), amount(of, of.mean[row], of.ci95[row])]];
      })),
    });
    Object.assign(option.tooltip.axisPointer, { type: "shadow", z: 0 });
    return option;
  }

  // Distribution of latencies ---------------------------------------------------------------------------------------------

  function distribution(figure) {
    const { steps, measures } = data.requests;
    const measure = measures[one("[name=measure]", figure).selectedIndex];
    const point = +one("[name=point]", figure).value;
    const share = (step) => (100 * step) / steps;
    const lines = policies().map((policy) => [policy, measure.lines[atPoints(policy)[point]] ?? []]).filter(([, line]) => line.length > 0);
    const longest = Math.max(0, ...lines.map(([, line]) => line[Math.floor(0.99 * steps)]));
    const option = frame(`${measure.title} at ${data.points[point]}, the share of requests answered within a time`, {
      xAxis: axis(`${measure.title}, ms`, { type: "value", nameGap: 30, min: 0, max: longest > 0 ? undefined : 1 }),
      yAxis: axis("share of requests, %", { type: "value", nameGap: 58, min: 0, max: 100, axisPointer: { show: true, label: { show: false } } }),
      series: lines.map(([policy, line]) => ({
        type: "line", name: policy.name, showSymbol: false, lineStyle: { width: 2, color: colour(policy) }, itemStyle: { color: colour(policy) },
        data: line.map((ms, step) => [ms, share(step)]),
      })),
    });
    if (longest > 0) option.xAxis.max = ({ max }) => nice(longest, max);
    Object.assign(option.tooltip, {
      trigger: "axis",
      formatter: (hits) => {
        const step = hits[0].dataIndex;
        return tip(`${format(share(step), 1)} % of requests within`, lines.map(([policy, line]) => [swatch(policy), `${format(line[step], 1)} ms`]));
      },
    });
    option.tooltip.axisPointer.axis = "y";
    return option;
  }
  // The next round number.
  function nice(value) {
    const power = 10 ** Math.floor(Math.log10(value));
    return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((step) => step >= value);
  }

  // Accuracy against cost -------------------------------------------------------------------------------------------------

  function front(figure) {
    const [cost, accuracy] = [metric.get(one("[name=cost]", figure).value), metric.get(data.accuracy)];
    const environment = +(one("[name=environment]", figure)?.value ?? 0);
    const isThere = ([row, point]) =>
      data.environment[point] === environment && cost.mean[row] !== null && accuracy.mean[row] !== null;
    const mark = ([row, point]) => ({ value: [cost.mean[row], accuracy.mean[row]], name: data.points[point], row });
    const series = policies().map((policy) => ({
      type: "scatter", name: policy.name, symbol: policy.symbol, symbolSize: 11, data: rowsOf(policy).filter(isThere).map(mark),
      itemStyle: { color: colour(policy), opacity: 0.9, borderColor: shade("sheet"), borderWidth: 1 },
    }));
    // From the cheapest on, what is more accurate than all that is cheaper.
    const sorted = series.flatMap(({ data }) => data.map(({ value }) => value)).sort(([x, y], [a, b]) => x - a || b - y);
    let highest = -Infinity;
    const best = sorted.filter(([, y]) => y > highest && ((highest = y), true));
    const line = { type: "line", name: "front", data: best, step: "end", symbol: "none", silent: true, z: 1, tooltip: { show: false }, lineStyle: { color: shade("quiet"), type: "dashed", width: 1.2 } };
    const option = frame(`${title(accuracy)} against ${title(cost)}`, {
      xAxis: axis(title(cost), { type: "value", scale: true, nameGap: 30 }),
      yAxis: axis(title(accuracy), { type: "value", scale: true, nameGap: 58 }),
      series: [...series, line],
    });
    Object.assign(option.tooltip, {
      trigger: "item",
      formatter: ({ seriesName, data: { name, row } }) => tip(name, [
        [swatch(data.policies.find((policy) => policy.name === seriesName)), ""],
        ...[accuracy, cost].map((of) => [of.words, amount(of, of.mean[row], of.ci95[row])]),
      ]),
    });
    return option;
  }

  // All together ----------------------------------------------------------------------------------------------------------

  const swatches = [];
  const redraw = () => [...swatches, ...charts.map(({ draw }) => draw)].forEach((draw) => draw());
  one(".policies").append(...data.policies.filter((policy) => policy.name !== "").map((policy) => {
    const label = document.createElement("label");
    const [box, swatch] = [document.createElement("input"), document.createElement("i")];
    Object.assign(box, { type: "checkbox", checked: true });
    swatches.push(() => (swatch.style.background = colour(policy)));
    label.append(box, swatch, policy.name);
    box.addEventListener("change", () => {
      if (box.checked) off.delete(policy);
      else off.add(policy);
      redraw();
    });
    return label;
  }));

  const each = (series) => (place) => series[place].data.map((_, dataIndex) => ({ seriesIndex: place, dataIndex }));
  const first = (type, stride) => ({ series }) => {
    const place = series.findIndex((one) => one.type === type && one.data.some((value) => value !== null));
    return place < 0 ? [] : each(series)(place).filter((_, index) => index % stride === 0);
  };
  chart("bars", bars, first("bar", 1));
  if (data.requests.measures.length === 0) without("distribution", "needs requests.parquet, which is not here.");
  else {
    one("[name=measure]").append(...data.requests.measures.map(({ title }) => new Option(title)));
    chart("distribution", distribution, first("line", Math.max(1, Math.floor(data.requests.steps / 40))));
  }
  const isDrawn = metric.has(data.accuracy) && one("[name=cost]").options.length > 0;
  if (!isDrawn) without("front", "needs accuracy and a cost, which these results do not have.");
  else chart("front", front, ({ series }) => series.flatMap(({ type }, place) => (type === "scatter" ? each(series)(place) : [])));

  swatches.forEach((paint) => paint());
  dark.addEventListener("change", redraw);
  // On paper: light, as wide as the sheet, and nothing folded.
  const folded = [];
  addEventListener("beforeprint", () => {
    printing = true;
    all("details:not([open]):not(.codes)").forEach((details) => folded.push(details) && (details.open = true));
    charts.forEach(({ chart }) => chart.resize(PAPER));
    redraw();
  });
  addEventListener("afterprint", () => {
    printing = false;
    folded.splice(0).forEach((details) => (details.open = false));
    charts.forEach(({ chart }) => chart.resize({ width: "auto", height: "auto" }));
    redraw();
  });
})();
