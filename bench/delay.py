#!/usr/bin/env python3
# Copyright (c) 2026, the pg_cmig developers
#
# delay.py: a proxy between psql and a server, which delays all that is sent.
#
# usage: delay.py SOCKET SERVER_SOCKET MILLISECONDS
#
# Each direction is delayed by half of the time, so a round trip takes all of it.  When a
# connection ends, one line tells how many messages the client sent before it waited.
import asyncio
import sys


async def copy(source, target, delay, turns):
    loop = asyncio.get_running_loop()
    queue = asyncio.Queue()

    async def deliver():
        while True:
            due, data = await queue.get()
            await asyncio.sleep(max(0, due - loop.time()))
            if not data:
                target.close()
                return
            target.write(data)
            await target.drain()

    delivery = asyncio.ensure_future(deliver())
    while True:
        try:
            data = await source.read(65536)
        except OSError:
            data = b""
        if data and turns[1] is not source:
            turns[0] += 1
            turns[1] = source
        queue.put_nowait((loop.time() + delay, data))
        if not data:
            break
    await asyncio.gather(delivery, return_exceptions=True)


async def serve(reader, writer):
    there = await asyncio.open_unix_connection(sys.argv[2])
    delay = float(sys.argv[3]) / 2000
    turns = [0, None]
    await asyncio.gather(copy(reader, there[1], delay, turns), copy(there[0], writer, delay, turns))
    print(turns[0] // 2, "round trips", flush=True)


async def main():
    server = await asyncio.start_unix_server(serve, sys.argv[1])
    print("ready", flush=True)
    await server.serve_forever()


asyncio.run(main())
