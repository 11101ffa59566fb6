"""Receive RTSP cameras over TCP: H.264 and H.265, with the sound that segments can hold.

Rule of this folder: what is not understood is left to FFmpeg (`NotOursError`), never guessed at.
FFmpeg reads each RTP packet by six system calls, which is most of what receiving costs
(docs/adr/0007-receiving-rtsp.md); it still reads the description, for it knows all codecs.
"""
