"use strict";
(function () {
  var picture = document.getElementById("picture");
  var drawing = picture.querySelector("svg");
  var zoom = 1;
  function set(next) {
    var middle = (picture.scrollLeft + picture.clientWidth / 2) / Math.max(1, picture.scrollWidth);
    zoom = Math.min(64, Math.max(1, next));
    drawing.style.width = zoom * 100 + "%";
    picture.scrollLeft = middle * picture.scrollWidth - picture.clientWidth / 2;
  }
  document.getElementById("closer").addEventListener("click", function () { set(zoom * 2); });
  document.getElementById("farther").addEventListener("click", function () { set(zoom / 2); });
  document.getElementById("whole").addEventListener("click", function () { set(1); });
  picture.addEventListener("keydown", function (event) {
    if (event.key === "+" || event.key === "=") { set(zoom * 2); }
    if (event.key === "-") { set(zoom / 2); }
    if (event.key === "0") { set(1); }
  });
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (one) { one.open = true; });
  });
})();
