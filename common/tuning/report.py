"""The output of a search: progress bar, one line per trial, picture, conclusion."""

import logging
import shlex
import sys
import time
from collections.abc import Sequence

from tqdm import tqdm

from common.errors import UserError
from common.startup import progress_interval
from common.tuning.search import Plan
from common.tuning.search_folder import SearchFolder
from common.tuning.trial import USER_ERROR
from common.tuning.trial_records import Record, best_of

# Seconds between two drawings of the picture; the end of a search is always drawn.
PICTURE_SECONDS = 20
logger = logging.getLogger(__name__)


class Report:
    """Writes each finished trial to the search's folder and shows it to the user.

    Args:
        plan: plan of the search.
        folder: folder of the search.
        records: records of the trials that are done.
    """

    def __init__(self, plan: Plan, folder: SearchFolder, records: Sequence[Record]):
        self.plan = plan
        self.folder = folder
        self.records = list(records)
        # The picture shows this many trials, and was drawn at this time.
        self.drawn = (0, time.monotonic())
        self.bar = tqdm(
            total=plan.trials,
            initial=len(records),
            desc="tuning",
            unit="trial",
            # A log file needs no line every tenth of a second.
            mininterval=progress_interval(),
        )
        self._show_best()
        self._write_missing()

    def _write_missing(self) -> None:
        """Write the files that a killed search had no time to write."""
        if self.records:
            self.folder.write_best(self.plan, self.records)
        for record in self.records:
            if not (self.folder.path / "tensorboard" / f"{record.number:04d}").exists():
                self._write_hparams(record)

    def finished(self, record: Record) -> None:
        """Write and show one finished trial.

        Raises:
            UserError: the first trial found that the options or the data are wrong.
        """
        if record.number == 0 and record.message.startswith(USER_ERROR):
            self.folder.remove()
            raise UserError(record.message.removeprefix(USER_ERROR))
        self.folder.add(record)
        self.records.append(record)
        with tqdm.external_write_mode(file=sys.stderr):
            logger.info("%s", trial_line(record))
        self.bar.update(1)
        self._show_best()
        self.folder.write_best(self.plan, self.records)
        self._write_hparams(record)
        if time.monotonic() - self.drawn[1] > PICTURE_SECONDS:
            self._draw()

    def close(self) -> None:
        """Close the bar, and draw the picture if it lacks a trial."""
        self.bar.close()
        if len(self.records) > self.drawn[0]:
            self._draw()

    def _show_best(self) -> None:
        best = best_of(self.records)
        if best is not None:
            self.bar.set_postfix_str(f"best {best.loss:.4g} in trial {best.number}")

    def _write_hparams(self, record: Record) -> None:
        from common.tuning.plots.tensorboard_hparams import write_hparams

        write_hparams(record, self.folder.path)

    def _draw(self) -> None:
        from common.tuning.plots.search_picture import draw_search

        draw_search(self.records, self.plan.space.fields, self.folder.picture)
        self.drawn = (len(self.records), time.monotonic())


def trial_line(record: Record) -> str:
    """Return one line about a finished trial."""
    parameters = ", ".join(f"{name} {v}" for name, v in record.parameters.items())
    loss = "" if record.loss is None else f", loss {record.loss:.4g}"
    note = f" ({record.message})" if record.message else ""
    return (
        f"trial {record.number}: {record.status}{loss}{note} after "
        f"{record.seconds:.1f} s; {parameters}"
    )


def conclusion(records: Sequence[Record], folder: SearchFolder) -> str:
    """Return the result of a search as one line of text.

    It compares the best trial with the preset and says what to do next.

    Args:
        records: records of all trials.
        folder: folder of the search.
    """
    best = best_of(records)
    chosen = folder.choose(records)
    if best is None or chosen is None:
        return "no trial ran to its end, so there are no best options"
    preset = next(record for record in records if record.number == 0)
    if best.number == 0:
        return (
            f"no trial was better than the preset, whose loss is {best.loss:.4g}: the "
            f"best options known, {folder.best}, are the preset's own"
        )
    if preset.status != "ok":
        against = f"the preset itself {preset.status}"
    else:
        less = (preset.loss - best.loss) / abs(preset.loss) if preset.loss else 1.0
        against = f"{less:.1%} below the preset's {preset.loss:.4g}"
    text = f"best is trial {best.number} with loss {best.loss:.4g}, {against}. "
    best_again = folder.confirmed(best.number)
    preset_again = folder.confirmed(0)
    command = shlex.join(["train", "--config", str(folder.best)])
    if not best_again or not preset_again:
        return text + (
            f"The best of {len(records)} short trainings is partly lucky; check it "
            f"with --confirm, or by the full training: {command}"
        )
    verdict = "It holds" if chosen is best else "It was luck"
    return text + (
        f"{verdict}: with other seeds its loss is {_losses(best_again)}, the preset's "
        f"{_losses(preset_again)}. Continue with {command}, which "
        f"holds the options of {'that trial' if chosen is best else 'the preset'}"
    )


def _losses(by_seed: dict[int, float]) -> str:
    return ", ".join(f"{by_seed[seed]:.4g}" for seed in sorted(by_seed))
