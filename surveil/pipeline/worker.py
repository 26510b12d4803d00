"""One named thread whose exception reaches whoever joins it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from surveil.errors import StuckThreadError
from surveil.pipeline.channel import Closed


class Worker:
    """Runs `run` once in a thread of its own.

    The thread ends when `run` returns, raises, or meets a `Closed` channel. `run` must look at the stop
    event of its layout, or wait only on channels that its layout aborts. `at_end` is called in the thread
    after either end with the exception (or None): it is where a layout is told to stop.

    Attributes:
        name: the thread's name.
        error: what `run` raised; None while it runs, or where it ended well.
    """

    def __init__(
        self,
        name: str,
        run: Callable[[], None],
        at_end: Callable[[BaseException | None], None] = lambda error: None,
    ) -> None:
        self.name, self._run, self._at_end = name, run, at_end
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._main, name=name)

    def start(self) -> None:
        """Begin; once only."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread is running."""
        return self._thread.is_alive()

    def _main(self) -> None:
        try:
            self._run()
        except Closed:
            pass
        except BaseException as error:  # noqa: BLE001 - carried to join(), never swallowed
            self.error = error
        finally:
            self._at_end(self.error)

    def wait(self, timeout_s: float) -> None:
        """Wait for the end, whatever it is.

        Raises StuckThreadError when the thread still runs after `timeout_s`.
        """
        if self._thread.ident is None:
            return  # never started
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            raise StuckThreadError(
                f"thread {self.name!r} still runs {timeout_s:g} s after it was told to stop"
            )

    def join(self, timeout_s: float) -> None:
        """Wait for the end and raise again what the thread raised. Raises StuckThreadError as `wait`."""
        self.wait(timeout_s)
        if self.error is not None:
            raise self.error
