// Signs on buttons, drawn: paths in a square of 24.

const PATHS = {
  play: "M7 4l13 8-13 8z",
  stop: "M6 5h4v14H6zM14 5h4v14h-4z",
  back: "M15 5v14L5 12zM16 5h2v14h-2z",
  on: "M9 5v14l10-7zM6 5h2v14H6z",
  first: "M19 5v14L9 12zM5 5h3v14H5z",
  last: "M5 5v14l10-7zM16 5h3v14h-3z",
  move: "M5 3l14 8-6 1.6L16 20l-3 1.4-3.2-7.2L5 18z",
  brush:
    "M20 3c-4 2-9 7-10.5 10 1.5.4 2.700 1.600 3 3C15.600 14.500 19 8 20 3zM8.500 14.500C6 14.500 6.500 18 3.500 18.500 5 20.500 11 21 11 17a2.500 2.500 0 0 0-2.500-2.500z",
  lasso:
    "M12 4c5 0 9 2.500 9 6s-4 6-9 6c-1 0-2-.1-2.900-.3-.3 1.800-1.600 3.600-3.600 4.600l-.8-1.400c1.300-.8 2.200-2 2.400-3.200C4.700 14.600 3 12.500 3 10c0-3.500 4-6 9-6zm0 2c-4 0-7 1.800-7 4s3 4 7 4 7-1.800 7-4-3-4-7-4z",
  line: "M11 2h2v20h-2z",
  reveal: "M4 4h10v4h6v12H10v-4H4zm2 2v8h4V8h2V6zm6 4v8h6v-8z",
  protect:
    "M12 2l8 3v6c0 5-3.400 9-8 11-4.600-2-8-6-8-11V5zm0 2.200L6 6.400V11c0 3.800 2.400 6.900 6 8.700 3.600-1.800 6-4.900 6-8.700V6.400z",
  erase: "M15 4l6 6-9 9H8l-5-5zM8.800 17h2.400l2.800-2.800L9.800 10 5.800 14z",
};

/** A drawn sign for a button. */
export function sign(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("width", "1.1em");
  svg.setAttribute("height", "1.1em");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  path.setAttribute("fill", "currentColor");
  path.setAttribute("fill-rule", "evenodd");
  svg.append(path);
  return svg;
}
