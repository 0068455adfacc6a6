"""What libraries log, masked and made safe to show: whoever logs a URL may log the key in it."""

from __future__ import annotations

import logging
from typing import Any


def mask_logs() -> None:
    """Mask the secrets in every log record that is made from now on."""
    make = logging.getLogRecordFactory()

    def masked(*args: Any, **options: Any) -> logging.LogRecord:
        from bottega.escape import mask, plain

        record = make(*args, **options)
        record.msg, record.args = plain(mask(record.getMessage())), ()
        return record

    logging.setLogRecordFactory(masked)
