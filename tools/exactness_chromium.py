"""Chromium's `<video>`: which frames it shows when it seeks to the middle of each. For tools/exactness.py."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from tests.support import films

__all__ = ["NAME", "program", "shown"]

NAME = "Chromium"
_PATIENCE_S = 900
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-crash-reporter",
    "--remote-debugging-port=0",
)

# A seek is over when the video says so AND has presented a new frame; one that lands on the same frame presents none.
_PAGE = """<body></body><script>
const moments = MOMENTS, bits = BITS, PATIENCE = 10000;
async function open(number) {
  const video = document.createElement('video');
  video.muted = true;
  document.body.replaceChildren(video);
  return await new Promise(done => {
    video.onloadeddata = () => done(video);
    video.onerror = () => done(null);
    setTimeout(() => done(null), PATIENCE);
    video.src = '/clip/' + number;
  });
}
async function show(video, time) {
  return await new Promise(good => {
    const patience = setTimeout(() => good(false), PATIENCE);
    const done = () => { clearTimeout(patience); good(true); };
    let sought = false, presented = false;
    video.requestVideoFrameCallback(() => { presented = true; if (sought) done(); });
    video.onseeked = () => { sought = true; if (presented) done(); else setTimeout(done, 400); };
    video.currentTime = time;
  });
}
function read(context, width, height) {
  const data = context.getImageData(0, 0, width, height).data;
  const block = Math.floor(width / (bits + 2)), row = Math.floor(height / 6);
  let number = 0;
  for (let bit = 0; bit < bits; bit++) {
    let above = 0, below = 0;
    for (let x = block * (bit + 1) + 2; x < block * (bit + 2) - 2; x++) {
      for (let y = 4; y < row; y++) above += data[4 * (y * width + x) + 1];
      for (let y = 4 + row; y < 2 * row; y++) below += data[4 * (y * width + x) + 1];
    }
    if (above > below) number |= 1 << bit;
  }
  return number;
}
(async () => {
  const results = [], canvas = document.createElement('canvas');
  for (let number = 0; number < moments.length; number++) {
    const video = await open(number), found = [];
    if (video) {
      canvas.width = video.videoWidth; canvas.height = video.videoHeight;
      const context = canvas.getContext('2d', {willReadFrequently: true});
      for (const time of moments[number]) {
        if (!await show(video, time)) break;
        context.drawImage(video, 0, 0);
        found.push(read(context, canvas.width, canvas.height));
      }
    }
    results.push(video ? found : null);
  }
  await fetch('/done', {method: 'POST', body: JSON.stringify(results)});
})();
</script>"""


def program() -> str | None:
    """Where Chromium is."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def shown(clips: Sequence[tuple[Path, Sequence[Fraction]]]) -> list[list[int] | None]:
    """What Chromium shows of clips at the middle of each frame; None for a clip it can't play.

    Args:
        clips: files, and when each of their frames begins and the last one ends, in seconds from the clip's start.

    Raises:
        TimeoutError: it does not come to an end.
    """
    middles = [[float(begin + end) / 2 for begin, end in pairwise(edges)] for _, edges in clips]
    page = _PAGE.replace("MOMENTS", json.dumps(middles)).replace("BITS", str(films.BITS)).encode()
    done, answers = threading.Event(), []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            clip = self.path.startswith("/clip/")
            body = clips[int(self.path[6:])][0].read_bytes() if clip else page if self.path == "/" else b""
            total, requested = len(body), self.headers.get("Range")
            self.send_response(206 if clip and requested else 200)
            if clip and requested:
                first, _, last = requested.split("=")[1].partition("-")
                body = body[int(first) : int(last) + 1 if last else total]
                self.send_header("Content-Range", f"bytes {first}-{int(first) + len(body) - 1}/{total}")
            self.send_header("Content-Type", "video/mp4" if clip else "text/html")
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            answers.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
            done.set()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    profile = tempfile.mkdtemp(prefix="exactness-")
    command = [str(program()), *_FLAGS, f"--user-data-dir={profile}", f"http://127.0.0.1:{server.server_port}/"]
    browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        if not done.wait(_PATIENCE_S):
            raise TimeoutError("Chromium does not come to an end")
    finally:
        os.killpg(browser.pid, signal.SIGKILL)
        browser.wait()
        server.shutdown()
        shutil.rmtree(profile, ignore_errors=True)
    results: list[list[int] | None] = answers[0]
    return results
