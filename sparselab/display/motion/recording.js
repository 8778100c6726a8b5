// An animation as a video for slides: the stage with its title, what it means and the legend, recorded while it plays.

import { css } from "../mask_view/paint.js";
import { fileName, writeLine } from "../mask_view/save.js";

const FRAMES_PER_SECOND = 30;
const BITS_PER_SECOND = 8e6;
const HOLD_MS = 1200; // how long the last frame stands
const VIDEO_MARGIN = 12;
const VIDEO_LINE = 24;
const CONTAINERS = ["video/mp4;codecs=avc1", "video/webm;codecs=vp9", "video/webm"]; // the first one that slides everywhere

/** The kind of video that this browser can write; null where it can write none. */
export function videoType() {
  if (!window.MediaRecorder || !HTMLCanvasElement.prototype.captureStream) return null;
  return CONTAINERS.find((type) => MediaRecorder.isTypeSupported(type)) ?? null;
}

/** Start to record; return what ends it and saves the file, whose name starts with `name`. `shown` tells title, meaning, legend, theme,
 * stage and ratio of now. */
export function startRecording(name, shown, saved) {
  const canvas = document.createElement("canvas");
  let drawing = null;
  const draw = () => {
    composeFrame(canvas, shown());
    drawing = requestAnimationFrame(draw);
  };
  draw();
  const type = videoType();
  const recorder = new MediaRecorder(canvas.captureStream(FRAMES_PER_SECOND), {
    mimeType: type, videoBitsPerSecond: BITS_PER_SECOND,
  });
  const parts = [];
  recorder.addEventListener("dataavailable", ({ data }) => parts.push(data));
  recorder.addEventListener("stop", () => {
    cancelAnimationFrame(drawing);
    download(new Blob(parts, { type }), `${name}-${fileName(shown().title)}.${type.slice(6).split(";")[0]}`);
    saved();
  });
  recorder.start();
  return () => setTimeout(() => recorder.stop(), HOLD_MS);
}

function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function composeFrame(canvas, { title, meaning, legend, theme, stage, ratio }) {
  const [wide, tall] = [stage.width / ratio, stage.height / ratio];
  const [width, height] = [wide + 2 * VIDEO_MARGIN, tall + 2 * VIDEO_MARGIN + 3 * VIDEO_LINE];
  // Video is coded in pairs of pixels. A new size would end the recording, so the first one stays.
  if (canvas.dataset.sized === undefined) {
    Object.assign(canvas, { width: 2 * Math.round((width * ratio) / 2), height: 2 * Math.round((height * ratio) / 2) });
    canvas.dataset.sized = "";
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(canvas.width / width, 0, 0, canvas.height / height, 0, 0);
  pen.fillStyle = css(theme.background);
  pen.fillRect(0, 0, width, height);
  pen.textBaseline = "middle";
  writeLine(pen, title, `600 15px ${theme.font}`, theme, VIDEO_MARGIN, VIDEO_MARGIN + VIDEO_LINE / 2, wide);
  writeLine(pen, meaning, `15px ${theme.font}`, theme, VIDEO_MARGIN, VIDEO_MARGIN + 1.5 * VIDEO_LINE, wide);
  pen.drawImage(stage, VIDEO_MARGIN, VIDEO_MARGIN + 2 * VIDEO_LINE, wide, tall);
  let x = VIDEO_MARGIN;
  const y = height - VIDEO_MARGIN - VIDEO_LINE / 2 + 4;
  for (const { text, colour } of legend) {
    pen.fillStyle = css(colour);
    pen.fillRect(x, y - 5, 10, 10);
    writeLine(pen, text, `13px ${theme.font}`, theme, x + 15, y, wide);
    x += 15 + pen.measureText(text).width + 16;
  }
}
