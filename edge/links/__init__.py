"""Byte pipes to hardware, opened with `async with`; they know no dialect."""
