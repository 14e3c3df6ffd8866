// @ts-check
/** Where the Python environment of the interop tests is; `.ci/install test` makes it. */

import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ENVIRONMENT = fileURLToPath(new URL('./.venv/', import.meta.url));

export const PYTHON = path.join(ENVIRONMENT, 'bin', 'python');

/** FFmpeg, as one file of the package imageio-ffmpeg. */
export function ffmpeg() {
  const versions = path.join(ENVIRONMENT, 'lib');
  const found = (existsSync(versions) ? readdirSync(versions) : [])
    .map((version) => path.join(versions, version, 'site-packages/imageio_ffmpeg/binaries'))
    .filter(existsSync)
    .flatMap((folder) => readdirSync(folder).map((name) => path.join(folder, name)))
    .find((file) => path.basename(file).startsWith('ffmpeg-'));
  if (!found) throw new Error(`no FFmpeg in ${ENVIRONMENT}; .ci/install test installs it`);
  return found;
}
