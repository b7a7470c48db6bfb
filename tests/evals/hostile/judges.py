"""Test files that pry and break. A test of a stranger's may say "passed", which harms nobody: it may reach nothing either.

Each ends in an assertion that holds only where its trick worked. The words in capitals are as in solutions.py.
"""

from __future__ import annotations

JUDGES = {
    "secret file": "def check(c): assert 'SECRET' in open('SECRET_FILE').read()",
    "secret at import": "TEXT = open('SECRET_FILE').read()\ndef check(c): assert 'SECRET' in TEXT",
    "secret of the environment": "import os\ndef check(c): assert 'SECRET' in str(os.environ)",
    "environment of the parent": "def check(c): assert 'SECRET' in open('/proc/PARENT/environ').read()",
    "write outside": "def check(c): assert open('CANARY/new', 'w').write('x')",
    "write outside at import": "open('CANARY/new', 'w').write('x')\ndef check(c): pass",
    "chmod outside": "import os\ndef check(c): assert os.chmod('CANARY/file', 0) is None",
    "remove outside": "import shutil\ndef check(c): assert shutil.rmtree('CANARY') is None",
    "fork": "import os\ndef check(c): assert os.fork() >= 0",
    "shell": "import subprocess\ndef check(c): assert subprocess.run('true', shell=True).returncode == 0",
    "network": "import socket\ndef check(c): assert socket.create_connection(('127.0.0.1', PORT))",
    "kill the parent": "import os\ndef check(c): assert os.kill(PARENT, 9) is None",
    "kill everyone": "import os\ndef check(c): assert os.kill(-1, 9) is None",
    "exit": "import sys\ndef check(c): sys.exit(0)",
    "os._exit": "import os\ndef check(c): os._exit(0)",
    "prints for ever": "def check(c):\n    while True: print('x' * 10_000)",
    "endless": "while True: pass",
    "memory": "def check(c):\n    hog = []\n    while True: hog.append(bytearray(1 << 24))",
    "calls for ever": "def check(c):\n    while True: c(3)",
    "large argument": "def check(c): c('x' * (1 << 26))",
    "object as argument": "def check(c): assert c(object()) == 9",
    "deep argument": "def check(c):\n    v = 3\n    for _ in range(100_000): v = [v]\n    assert c(v) == 9",
    "terminal escapes": "def check(c): raise ValueError('\\x1b[2J\\n' * 10_000)",
    "hostile exception": "class E(Exception):\n    def __str__(self): raise SystemExit\ndef check(c): raise E",
    "name of an exception": "def check(c): raise type('x' * 100_000 + '\\n', (Exception,), {})",
    "giant name": """
import os, struct
def check(c):
    body = b'["t",["i","0x' + b'f' * 40000 + b'"],"a"]'
    for fd in range(3, 64):
        try: os.write(fd, b'F' + struct.pack('>I', len(body)) + body)
        except OSError: pass
    while True: pass
""",
    "garbage frames": """
import os
def check(c):
    for fd in range(3, 64):
        try: os.write(fd, b'\\xff' * 4096)
        except OSError: pass
    while True: pass
""",
    "call of what is not offered": """
import os, struct
def check(c):
    body = b'exec\\0["t",["l","1"],["d"]]'
    for fd in range(3, 64):
        try: os.write(fd, b'C' + struct.pack('>I', len(body)) + body)
        except OSError: pass
    assert False
""",
    "no check": "x = 1",
    "check is no function": "check = 3",
    "syntax": "def check(c) pass",
}
