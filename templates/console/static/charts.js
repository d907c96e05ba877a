/* Charts of the tables that stand beside them.  A table that is drawn is folded away; it stays the page for everybody who
   does not see, and without scripts.  Lines differ by dashes and names as well as by colours. */
(function () {
  "use strict";
  var DASHES = [[], [9, 4], [2, 3], [12, 3, 2, 3], [5, 5], [1, 4], [16, 4]];
  var DAY = 86400, drawn = [];
  var language = document.documentElement.lang || "vi";

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }
  function two(number) { return (number < 10 ? "0" : "") + number; }
  function day(seconds) {
    var at = new Date(seconds * 1000);
    return two(at.getUTCDate()) + "/" + two(at.getUTCMonth() + 1);
  }
  function shown(number) { return number === null || number === undefined ? "–" : number.toLocaleString(language); }

  /* Columns of figures under their names, from cells that say them. */
  function read(table) {
    var names = [], rows = [].slice.call(table.tBodies[0].rows), columns = [[]];
    [].slice.call(table.tHead.rows[0].cells).forEach(function (cell, at) {
      if (cell.hasAttribute("data-series")) { names.push({ at: at, text: cell.textContent }); columns.push([]); }
    });
    rows.forEach(function (row) {
      columns[0].push(Number(row.cells[0].dataset.x));
      names.forEach(function (name, n) {
        var y = row.cells[name.at].dataset.y;
        columns[n + 1].push(y === undefined || y === "" ? null : Number(y));
      });
    });
    return { names: names.map(function (name) { return name.text; }), columns: columns };
  }

  function sample(n) {
    var svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    var line = document.createElementNS("http://www.w3.org/2000/svg", "line");
    svg.setAttribute("width", "36"); svg.setAttribute("height", "10");
    [["x1", 0], ["x2", 36], ["y1", 5], ["y2", 5], ["stroke-width", 3], ["stroke-dasharray", DASHES[n % 7].join(" ")]]
      .forEach(function (pair) { line.setAttribute(pair[0], pair[1]); });
    line.setAttribute("class", "c" + (n % 7 + 1));
    svg.appendChild(line);
    return svg;
  }

  function legend(names) {
    var list = document.createElement("ul");
    list.className = "legend";
    names.forEach(function (name, n) {
      var item = document.createElement("li"), value = document.createElement("b");
      item.appendChild(sample(n));
      item.appendChild(document.createTextNode(" " + name + " "));
      item.appendChild(value);
      list.appendChild(item);
    });
    return list;
  }

  function series(name, n, spark) {
    var ink = colour("--c" + (n % 7 + 1));
    return {
      label: name, stroke: ink, width: 2, dash: DASHES[n % 7], spanGaps: true,
      points: { show: !spark && undefined, size: 5, stroke: ink, fill: ink }
    };
  }

  function draw(twin) {
    var spark = twin.dataset.chart === "spark", share = twin.dataset.chart === "share";
    var data = read(twin.querySelector("table"));
    if (data.columns[0].length < 2) { return null; }
    var box = document.createElement("div"), list = legend(data.names);
    box.className = "chart"; box.setAttribute("aria-hidden", "true");
    twin.parentNode.insertBefore(box, twin);
    var ink = colour("--soft"), grid = { stroke: colour("--line"), width: 0.5 };
    function place() { return { width: Math.max(box.clientWidth, 200), height: spark ? 72 : 240 }; }
    var axis = { stroke: ink, grid: grid, ticks: grid, font: "13px system-ui, sans-serif" };
    var size = place();
    var plot = new uPlot({
      width: size.width, height: size.height, legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false } },
      scales: { x: { time: false }, y: { range: function (_, least, most) { return [0, share ? 100 : Math.max(most, 1) * 1.08]; } } },
      axes: spark ? [{ show: false }, { show: false }] : [
        Object.assign({ incrs: [DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY, 91 * DAY], space: 56, values: function (_, at) { return at.map(day); } }, axis),
        Object.assign({ size: 64, values: function (_, at) { return at.map(function (y) { return shown(y) + (share ? " %" : ""); }); } }, axis)
      ],
      series: [{}].concat(data.names.map(function (name, n) { return series(name, n, spark); })),
      hooks: {
        setCursor: [function (u) {
          [].slice.call(list.querySelectorAll("b")).forEach(function (b, n) {
            b.textContent = u.cursor.idx === null || u.cursor.idx === undefined ? "" : day(data.columns[0][u.cursor.idx]) + ": " + shown(data.columns[n + 1][u.cursor.idx]);
          });
        }]
      }
    }, data.columns, box);
    box.appendChild(list);
    twin.open = false;
    return { plot: plot, box: box, twin: twin, fit: function () { plot.setSize(place()); } };
  }

  window.drawCharts = function () {
    drawn = drawn.filter(function (one) { return one.box.isConnected; });
    [].slice.call(document.querySelectorAll("[data-chart]")).forEach(function (twin) {
      if (drawn.some(function (one) { return one.twin === twin; })) { return; }
      var made = draw(twin);
      if (made) { drawn.push(made); }
    });
  };
  var soon;
  addEventListener("resize", function () {
    clearTimeout(soon);
    soon = setTimeout(function () { drawn.forEach(function (one) { one.fit(); }); }, 150);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", function () {
    drawn.forEach(function (one) { one.plot.destroy(); one.box.remove(); });
    drawn = [];
    window.drawCharts();
  });
  window.drawCharts();
})();
