"""Solutions that lie, pry, break out or break things. Each is asked for the square of 3 by an honest test.

`f` returns 9 only where its trick worked, so that "passed" means that the sandbox leaks; a lie returns something that only
claims to be 9. SECRET_FILE, SECRET, CANARY (a folder that anyone may write to, holding `file`), PARENT and PORT stand for
what the test puts there.
"""

# ruff: noqa: E501

from __future__ import annotations

LIES = {
    "always equal": """
class Equal:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 9
def f(x): return Equal()
""",
    "int subclass that lies": """
class I(int):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __index__(self): return 9
    def __int__(self): return 9
    __hash__ = int.__hash__
def f(x): return I(1)
""",
    "float subclass that lies": """
class F(float):
    def __eq__(self, other): return True
    def __float__(self): return 9.0
def f(x): return F(1)
""",
    "str subclass that lies": """
class S(str):
    def __eq__(self, other): return True
    def __str__(self): return self
    __hash__ = str.__hash__
def f(x): return S("no")
""",
    "bool that is no bool": """
class B:
    def __bool__(self): return True
    def __eq__(self, other): return self
def f(x): return B()
""",
    "metaclass that claims int": """
class M(type):
    def __eq__(self, other): return True
    def __instancecheck__(self, other): return True
    def __subclasscheck__(self, other): return True
    __hash__ = type.__hash__
class C(metaclass=M):
    __class__ = int
    def __eq__(self, other): return True
def f(x): return C()
""",
    "class property": """
class C:
    @property
    def __class__(self): return int
    def __eq__(self, other): return True
def f(x): return C()
""",
    "metaclass with an mro of its own": """
class M(type):
    def mro(cls): return [cls, int, object] if False else type.mro(cls)
    @property
    def __mro__(cls): return (cls, int, object)
class C(metaclass=M):
    def __eq__(self, other): return True
def f(x): return C()
""",
    "the class itself": """
class M(type):
    def __eq__(cls, other): return True
    __hash__ = type.__hash__
class f(metaclass=M):
    def __new__(cls, x): return cls
""",
    "reflected comparison": """
class R(int):
    def __new__(cls): return int.__new__(cls, 8)
    def __eq__(self, other): return NotImplemented
    def __rsub__(self, other): return 0
    def __sub__(self, other): return 0
def f(x): return R()
""",
    "not implemented": "def f(x): return NotImplemented",
    "a mock": "from unittest.mock import ANY\ndef f(x): return ANY",
    "descriptor on the class": """
class D:
    def __get__(self, instance, owner): return lambda other: True
class C: __eq__ = D()
def f(x): return C()
""",
    "a proxy of a proxy": "def f(x): return f",
    "builtins replaced": """
import builtins
builtins.AssertionError = builtins.BaseException = type("E", (), {})
builtins.isinstance = builtins.issubclass = lambda *a: True
builtins.len = builtins.abs = builtins.int = lambda *a: 9
def f(x): return 1
""",
    "builtins shadowed": "\n".join(
        f"def {name}(*a, **k): return True"
        for name in ("abs", "len", "all", "isinstance", "AssertionError", "check", "__build_class__", "__import__", "print")
    )
    + "\ndef f(x): return 1",
    "a check of its own": "def check(candidate): return None\ndef f(x): return 1",
    "its frame's globals": """
import sys
def f(x):
    frame = sys._getframe()
    while frame:
        for space in (frame.f_globals, frame.f_locals):
            for name in list(space):
                if "check" in str(name): space[name] = lambda *a: None
        frame = frame.f_back
    return 1
""",
    "every function in memory": """
import gc, types
def f(x):
    for thing in gc.get_objects():
        if isinstance(thing, types.FunctionType) and thing.__name__ in ("check", "judge", "candidate"):
            thing.__code__ = (lambda *a: None).__code__
    return 1
""",
    "inspect the stack": """
import inspect
def f(x):
    for level in inspect.stack():
        level.frame.f_globals["check"] = lambda c: None
    return 1
""",
    "trace the judge": """
import sys
def f(x):
    sys.settrace(lambda *a: None); sys.setprofile(lambda *a: None)
    return 1
""",
    "modules replaced": """
import sys, types
for name in list(sys.modules):
    if name not in ("sys", "builtins"): sys.modules[name] = types.ModuleType(name)
def f(x): return 1
""",
    "json replaced": """
import json, json.encoder
json.dumps = lambda *a, **k: "9"
json.encoder.JSONEncoder.encode = lambda *a: "9"
json.JSONEncoder.iterencode = lambda *a, **k: ["9"]
def f(x): return 1 if x else 9
x = f(3)
""",
    "raises what the test expects of nobody": "def f(x): raise StopIteration(9)",
    "exit at import": "import sys\ndef f(x): return 1\nsys.exit(0)",
    "exit in the call": "import sys\ndef f(x): sys.exit(0)",
    "raise SystemExit": "def f(x): raise SystemExit",
    "os._exit": "import os\ndef f(x): os._exit(0)",
    "os._exit at import": "import os\nos._exit(0)",
    "keyboard interrupt": "def f(x): raise KeyboardInterrupt",
    "generator exit": "def f(x): raise GeneratorExit",
    "atexit": """
import atexit, os
@atexit.register
def bye():
    for fd in range(256):
        try: os.write(fd, b"P\\0\\0\\0\\0passed")
        except OSError: pass
def f(x): raise SystemExit(0)
""",
    "passed to every descriptor": """
import os
def f(x):
    for fd in range(256):
        for word in (b"passed\\n", b"P\\0\\0\\0\\0"):
            try: os.write(fd, word)
            except OSError: pass
    return 1
""",
    "passed at import": """
import os
for fd in range(256):
    try: os.write(fd, b"P\\0\\0\\0\\0" * 4)
    except OSError: pass
def f(x): return 1
""",
    "a frame that says a gigabyte follows": """
import os, struct
def f(x):
    for fd in range(3, 64):
        try: os.write(fd, b"R" + struct.pack(">I", 1 << 30))
        except OSError: pass
    return 9
""",
    "garbage for a value": """
import os, struct
def f(x):
    for fd in range(3, 64):
        for body in (b'{"l": 9}', b'["z", 9]', b"[" * 50000, b'["d", ["l"], 1]', b'["s", ["l"]]', b"\\xff", b'["i", "9"'):
            try: os.write(fd, b"R" + struct.pack(">I", len(body)) + body)
            except OSError: pass
    os._exit(0)
""",
    "closes every descriptor": "import os\ndef f(x):\n    os.closerange(0, 256)\n    return 1",
    "swaps descriptors": """
import os
def f(x):
    for fd in range(3, 20):
        try: os.dup2(1, fd)
        except OSError: pass
    return 1
""",
    "hostile str of an exception": """
class E(Exception):
    def __str__(self):
        while True: raise SystemExit(0)
    __repr__ = __str__
def f(x): raise E(object())
""",
    "exception with lying args": """
class E(BaseException):
    @property
    def args(self): raise MemoryError
    @property
    def __class__(self): return AssertionError
def f(x): raise E
""",
    "__del__": """
class D:
    def __del__(self):
        import os; os._exit(0)
def f(x): D(); return 9
""",
    "exception hook": """
import sys, os
sys.excepthook = sys.unraisablehook = lambda *a: os._exit(0)
def f(x): raise ValueError
""",
    "signal handler": """
import signal, os
def f(x):
    signal.signal(signal.SIGSEGV, lambda *a: os._exit(0))
    os.kill(os.getpid(), signal.SIGKILL)
""",
    "segmentation fault": "import ctypes\ndef f(x): ctypes.string_at(0)",
    "abort": "import os\ndef f(x): os.abort()",
    "a set that cannot be one": "class L(list):\n    __hash__ = lambda self: 1\ndef f(x): return {L([9])}",
    "missing": "def g(x): return x * x",
    "not callable": "f = 9",
    "syntax": "def f(x) return 9",
    "null byte": "def f(x): return 1\n\0",
    "lone surrogate in the source": "def f(x): return '\ud800'",
}

PRYING = {
    "secret file": "def f(x): return 9 * ('SECRET' in open('SECRET_FILE').read())",
    "secret file by descriptor": "import os\ndef f(x): return 9 * (b'SECRET' in os.read(os.open('SECRET_FILE', os.O_RDONLY), 99))",
    "secret file by dirfd": """
import os
def f(x):
    folder = os.open(os.path.dirname('SECRET_FILE'), os.O_PATH)
    return 9 * (b'SECRET' in os.read(os.open(os.path.basename('SECRET_FILE'), os.O_RDONLY, dir_fd=folder), 99))
""",
    "secret file by link": "import os\ndef f(x):\n    os.link('SECRET_FILE', 'a')\n    return 9 * ('SECRET' in open('a').read())",
    "secret file by symlink": "import os\ndef f(x):\n    os.symlink('SECRET_FILE', 'a')\n    return 9 * ('SECRET' in open('a').read())",
    "secret file moved": "import os\ndef f(x):\n    os.rename('SECRET_FILE', 'a')\n    return 9 * ('SECRET' in open('a').read())",
    "secret folder listed": "import os\ndef f(x): return 9 * (len(os.listdir(os.path.dirname('SECRET_FILE'))) > 0)",
    "secret of the environment": "import os\ndef f(x): return 9 * ('SECRET' in str(os.environ))",
    "shadow": "def f(x): return 9 * (len(open('/etc/shadow').read()) > 0)",
    "passwd": "def f(x): return 9 * (len(open('/etc/passwd').read()) > 0)",
    "home": "import os\ndef f(x): return 9 * (len(os.listdir(os.environ.get('REAL_HOME', '/root'))) > 1)",
    "home of the account": "import pwd, os\ndef f(x): return 9 * (len(os.listdir(pwd.getpwuid(0).pw_dir)) > 1)",
    "environment of the parent": "def f(x): return 9 * ('SECRET' in open('/proc/PARENT/environ').read())",
    "memory of the parent": "def f(x): return 9 * (open('/proc/PARENT/mem', 'rb') is not None)",
    "descriptors of the parent": "import os\ndef f(x): return 9 * (len(os.listdir('/proc/PARENT/fd')) > 0)",
    "maps of the parent": "def f(x): return 9 * (len(open('/proc/PARENT/maps').read()) > 0)",
    "command lines": "import os, glob\ndef f(x): return 9 * any(open(p).read() for p in glob.glob('/proc/[0-9]*/cmdline'))",
    "its own environment file": "def f(x): return 9 * (len(open('/proc/self/environ').read()) >= 0)",
    "inherited descriptors": """
import os
def f(x):
    for fd in range(3, 256):
        try:
            os.lseek(fd, 0, 0)
            if b'SECRET' in os.read(fd, 1 << 16): return 9
        except OSError: pass
""",
    "memory of the parent by system call": """
import ctypes
def f(x):
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(64)
    class V(ctypes.Structure): _fields_ = [("p", ctypes.c_void_p), ("n", ctypes.c_size_t)]
    here, there = V(ctypes.addressof(buffer), 64), V(id(libc), 64)
    return 9 * (libc.process_vm_readv(PARENT, ctypes.byref(here), 1, ctypes.byref(there), 1, 0) > -2)
""",
    "ptrace": "import ctypes\ndef f(x): return 9 * (ctypes.CDLL(None).ptrace(16, PARENT, 0, 0) > -2)",
    "raw ptrace": "import ctypes\ndef f(x): return 9 * (ctypes.CDLL(None).syscall(101, 16, PARENT, 0, 0) > -2)",
    "pidfd": "import os\ndef f(x): return 9 * (os.pidfd_open(PARENT) > 0)",
    "pidfd_getfd": "import ctypes\ndef f(x): return 9 * (ctypes.CDLL(None).syscall(438, 3, 0, 0) >= 0)",
    "tcp": "import socket\ndef f(x): return 9 * (socket.create_connection(('127.0.0.1', PORT)) is not None)",
    "tcp listener": "import socket\ndef f(x): return 9 * (socket.create_server(('127.0.0.1', 0)) is not None)",
    "udp": "import socket\ndef f(x): return socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'SECRETxxx', ('127.0.0.1', PORT))",
    "unix socket": "import socket\ndef f(x): return 9 * (socket.socket(socket.AF_UNIX) is not None)",
    "socket pair": "import socket\ndef f(x): return 9 * len(socket.socketpair()) // 2",
    "netlink": "import socket\ndef f(x): return 9 * (socket.socket(16, 3, 0) is not None)",
    "raw socket call": "import ctypes\ndef f(x): return 9 * (ctypes.CDLL(None).syscall(41, 2, 1, 0) >= 0)",
    "names looked up": "import socket\ndef f(x): return 9 * (len(socket.getaddrinfo('example.org', 80)) > 0)",
    "web": "import urllib.request\ndef f(x): return 9 * (urllib.request.urlopen('http://127.0.0.1:PORT').status > 0)",
}

BREAKING = {
    "write outside": "def f(x): return open('CANARY/new', 'w').write('123456789')",
    "overwrite outside": "def f(x): return open('CANARY/file', 'w').write('123456789')",
    "append outside": "def f(x): return open('CANARY/file', 'a').write('123456789')",
    "truncate outside": "import os\ndef f(x):\n    os.truncate('CANARY/file', 0)\n    return 9",
    "truncate by a reader": "import os\ndef f(x):\n    os.open('CANARY/file', os.O_RDONLY | os.O_TRUNC)\n    return 9",
    "truncate a module by a reader": "import os\ndef f(x):\n    os.open(os.__file__, os.O_RDONLY | os.O_TRUNC)\n    return 9",
    "unlink outside": "import os\ndef f(x):\n    os.unlink('CANARY/file')\n    return 9",
    "rename outside": "import os\ndef f(x):\n    os.rename('CANARY/file', 'CANARY/other')\n    return 9",
    "move in from the scratch": "import os\ndef f(x):\n    open('a', 'w').close()\n    os.rename('a', 'CANARY/a')\n    return 9",
    "folder outside": "import os\ndef f(x):\n    os.mkdir('CANARY/folder')\n    return 9",
    "link outside": "import os\ndef f(x):\n    os.symlink('/', 'CANARY/link')\n    return 9",
    "chmod outside": "import os\ndef f(x):\n    os.chmod('CANARY/file', 0)\n    return 9",
    "chmod by descriptor": "import os\ndef f(x):\n    os.fchmod(os.open('CANARY/file', os.O_PATH), 0)\n    return 9",
    "chmod inside": "import os\ndef f(x):\n    open('a', 'w').close()\n    os.chmod('a', 0o4777)\n    return 9",
    "chown outside": "import os\ndef f(x):\n    os.chown('CANARY/file', os.getuid(), -1)\n    return 9",
    "utime outside": "import os\ndef f(x):\n    os.utime('CANARY/file', (0, 0))\n    return 9",
    "attribute outside": "import os\ndef f(x):\n    os.setxattr('CANARY/file', 'user.a', b'b')\n    return 9",
    "fifo": "import os\ndef f(x):\n    os.mkfifo('a')\n    return 9",
    "device": "import os\ndef f(x):\n    os.mknod('a', 0o20666, os.makedev(1, 1))\n    return 9",
    "library overwritten": "import json\ndef f(x): return open(json.__file__, 'r+').write('#########')",
    "above the scratch": "import os\ndef f(x): return open('../' + 'kit-was-here', 'w').write('123456789')",
    "another's scratch": """
import os
def f(x):
    here = os.path.basename(os.getcwd())
    others = [name for name in os.listdir('..') if name.startswith('kit-sandbox') and name != here]
    os.listdir('../' + others[0])
    return 9
""",
    "chroot": "import os\ndef f(x):\n    os.chroot('.')\n    return 9",
    "root again": "import os\ndef f(x):\n    os.setuid(0)\n    return 9",
    "another user": "import os\ndef f(x):\n    os.setresuid(1, 1, 1)\n    return 9",
    "namespaces": "import ctypes\ndef f(x): return 9 * (ctypes.CDLL(None).unshare(0x10000000) == 0)",
    "mount": "import ctypes\ndef f(x): return 9 * (ctypes.CDLL(None).mount(b'none', b'.', b'tmpfs', 0, None) == 0)",
    "fork": "import os\ndef f(x):\n    if os.fork() == 0: os._exit(0)\n    return 9",
    "vfork": "import ctypes\ndef f(x): return 9 * (ctypes.CDLL(None).syscall(58) >= 0)",
    "raw clone": "import ctypes\ndef f(x): return 9 * (ctypes.CDLL(None).syscall(56, 17, 0, 0, 0, 0) > 0)",
    "clone3": "import ctypes\ndef f(x): return 9 * (ctypes.CDLL(None).syscall(435, ctypes.create_string_buffer(88), 88) > 0)",
    "daemon": """
import os, time
def f(x):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0: time.sleep(60)
        os._exit(0)
    return 9
""",
    "new session": "import os\ndef f(x):\n    os.setsid()\n    return 9",
    "subprocess": "import subprocess\ndef f(x): return 9 * (subprocess.run(['/bin/true']).returncode == 0)",
    "shell": "import os\ndef f(x): return 9 * (os.system('true') == 0)",
    "spawn": "import os\ndef f(x): return 9 * (os.posix_spawn('/bin/true', ['true'], {}) > 0)",
    "pool": "import multiprocessing\ndef f(x): return multiprocessing.get_context('fork').Pool(1).apply(int, ('9',))",
    "exec": "import os\ndef f(x): os.execv('/bin/sh', ['sh', '-c', 'echo 9'])",
    "raw exec": "import ctypes\ndef f(x): return 9 * (ctypes.CDLL(None).syscall(59, b'/bin/true', 0, 0) > -2)",
    "kill the parent": "import os\ndef f(x):\n    os.kill(PARENT, 9)\n    return 9",
    "kill its own parent": "import os\ndef f(x):\n    os.kill(os.getppid(), 15)\n    return 9",
    "signal of nothing to the parent": "import os\ndef f(x):\n    os.kill(PARENT, 0)\n    return 9",
    "kill everyone": "import os\ndef f(x):\n    os.kill(-1, 9)\n    return 9",
    "kill the group": "import os\ndef f(x):\n    os.killpg(0, 9)\n    return 9",
    "raw kill": "import ctypes\ndef f(x): return 9 * (ctypes.CDLL(None).syscall(62, PARENT, 9) == 0)",
    "raw tgkill": "import ctypes\ndef f(x): return 9 * (ctypes.CDLL(None).syscall(234, PARENT, PARENT, 9) == 0)",
    "raw tkill": "import ctypes\ndef f(x): return 9 * (ctypes.CDLL(None).syscall(200, PARENT, 9) == 0)",
    "queued signal": """
import ctypes
def f(x): return 9 * (ctypes.CDLL(None).syscall(129, PARENT, 9, ctypes.create_string_buffer(128)) == 0)
""",
    "signal by pipe owner": """
import fcntl, os
def f(x):
    a, b = os.pipe()
    fcntl.fcntl(a, fcntl.F_SETOWN, PARENT)
    fcntl.fcntl(a, 10, 9)
    fcntl.fcntl(a, fcntl.F_SETFL, os.O_ASYNC)
    os.write(b, b'x')
    return 9
""",
    "limits of the parent": "import resource\ndef f(x):\n    resource.prlimit(PARENT, resource.RLIMIT_CPU, (1, 1))\n    return 9",
    "limits raised": "import resource\ndef f(x):\n    resource.setrlimit(resource.RLIMIT_CPU, (99, 99))\n    return 9",
    "outlives the parent": "import ctypes\ndef f(x): return 9 * (ctypes.CDLL(None).prctl(1, 0, 0, 0, 0) == 0)",
    "dumpable": "import ctypes\ndef f(x): return 9 * (ctypes.CDLL(None).prctl(4, 1, 0, 0, 0) == 0)",
    "priority": "import os\ndef f(x):\n    os.setpriority(os.PRIO_PROCESS, PARENT, 19)\n    return 9",
    "affinity": "import os\ndef f(x):\n    os.sched_setaffinity(PARENT, {0})\n    return 9",
    "shared memory": "from multiprocessing.shared_memory import SharedMemory\ndef f(x): return 9 * (SharedMemory('kit', True, 9).size > 0)",
    "system v memory": "import ctypes\ndef f(x): return 9 * (ctypes.CDLL(None).syscall(29, 1234, 4096, 0o1600) >= 0)",
    "message queue": "import ctypes\ndef f(x): return 9 * (ctypes.CDLL(None).syscall(68, 1234, 0o1600) >= 0)",
    "memory file": "import os\ndef f(x): return 9 * (os.memfd_create('a') >= 0)",
    "keys": "import ctypes\ndef f(x): return 9 * (ctypes.CDLL(None).syscall(248, b'user', b'kit', b'x', 1, -3) >= 0)",
    "io_uring": "import ctypes\ndef f(x): return 9 * (ctypes.CDLL(None).syscall(425, 8, ctypes.create_string_buffer(120)) >= 0)",
    "bpf": "import ctypes\ndef f(x): return 9 * (ctypes.CDLL(None).syscall(321, 0, ctypes.create_string_buffer(120), 120) >= 0)",
    "userfaultfd": "import ctypes\ndef f(x): return 9 * (ctypes.CDLL(None).syscall(323, 0) >= 0)",
    "perf": "import ctypes\ndef f(x): return 9 * (ctypes.CDLL(None).syscall(298, ctypes.create_string_buffer(128), 0, -1, -1, 0) >= 0)",
    "personality": "import ctypes\ndef f(x): return 9 * (ctypes.CDLL(None).syscall(135, 0x0040000) >= 0)",
    "x32": "import ctypes\ndef f(x): return 9 * (ctypes.CDLL(None).syscall(0x40000000 | 39) > 0)",
    "32-bit calls": """
import ctypes, mmap
def f(x):
    code = mmap.mmap(-1, 4096, prot=7)
    code.write(b"\\xb8\\x14\\x00\\x00\\x00\\xcd\\x80\\xc3")  # mov eax, 20 (getpid); int 0x80; ret
    return 9 * (ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))() > 0)
""",
    "terminal input": "import fcntl\ndef f(x):\n    fcntl.ioctl(0, 0x5412, b'x')\n    return 9",
}

BOMBS = {
    "endless loop": "def f(x):\n    while True: pass",
    "endless loop at import": "while True: pass",
    "swallows everything": "def f(x):\n    while True:\n        try:\n            while True: pass\n        except BaseException: pass",
    "swallows signals": """
import signal
for s in range(1, 65):
    try: signal.signal(s, signal.SIG_IGN)
    except (OSError, ValueError): pass
def f(x):
    while True: pass
""",
    "first thread ends": """
import _thread, ctypes, time
def f(x):
    _thread.start_new_thread(time.sleep, (60,))
    time.sleep(0.05)
    ctypes.CDLL(None).syscall(60, 0)
""",
    "stops itself": "import os, signal\ndef f(x): os.kill(os.getpid(), signal.SIGSTOP)",
    "sleep": "import time\ndef f(x): time.sleep(60)",
    "sleep in __del__": "import time\nclass D:\n    def __del__(self): time.sleep(60)\ndef f(x): D(); return 9",
    "regular expression": "import re\ndef f(x): return re.match('(a+)+$', 'a' * 40 + 'b')",
    "giant power": "def f(x): return 10 ** 10 ** 9",
    "endless generator": "def g():\n    while True: yield 1\ndef f(x): return sum(g())",
    "endless generator returned": "def f(x):\n    while True: yield 9",
    "memory": "def f(x):\n    hog = []\n    while True: hog.append(bytearray(1 << 24))",
    "memory, swallowed": """
def f(x):
    hog = []
    while True:
        try: hog.append(bytearray(1 << 24))
        except MemoryError: pass
""",
    "huge list": "def f(x): return [0] * (1 << 33)",
    "large value": "def f(x): return 'x' * (1 << 26)",
    "many items": "def f(x): return [[]] * (1 << 23)",
    "exponential value": "def f(x):\n    v = []\n    for _ in range(60): v = [v, v]\n    return v",
    "deep value": "def f(x):\n    v = 9\n    for _ in range(100_000): v = [v]\n    return v",
    "cyclic list": "def f(x):\n    v = []; v.append(v)\n    return v",
    "cyclic dict": "def f(x):\n    v = {}; v[1] = v\n    return v",
    "giant int": "def f(x): return 1 << (1 << 28)",
    "colliding keys": "def f(x): return {i * (2 ** 61 - 1): 0 for i in range(20_000)}",
    "recursion": "import sys\nsys.setrecursionlimit(10 ** 9)\ndef f(x): return f(x)",
    "recursion in C": "import sys\nsys.setrecursionlimit(10 ** 9)\ndef f(x):\n    v = []\n    for _ in range(10 ** 6): v = [v]\n    return 9 * len(repr(v))",
    "threads": """
import threading, time
def f(x):
    while True: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
""",
    "threads, swallowed": """
import _thread, time
def f(x):
    while True:
        try: _thread.start_new_thread(time.sleep, (60,))
        except RuntimeError: pass
""",
    "large file": "def f(x):\n    with open('a', 'wb') as file:\n        while True: file.write(bytes(1 << 20))",
    "large files": """
def f(x):
    n = 0
    while True:
        n += 1
        try: open(str(n), 'wb').write(bytes(1 << 22))
        except OSError: pass
""",
    "many files": "def f(x):\n    n = 0\n    while True:\n        n += 1\n        open(str(n), 'w').close()",
    "many folders": "import os\ndef f(x):\n    while True:\n        os.mkdir('a'); os.chdir('a')",
    "unreadable folders": "import os\ndef f(x):\n    os.mkdir('a'); os.mkdir('a/b', 0); os.mkdir('c', 0)\n    return 1",
    "sparse file": "def f(x):\n    with open('a', 'wb') as file: file.truncate(1 << 40)\n    return 9",
    "open files": "import os\ndef f(x):\n    while True: os.dup(1)",
    "prints for ever": "def f(x):\n    while True: print('x' * 10_000, flush=True)",
    "prints a great deal": "import sys\ndef f(x):\n    for _ in range(200): sys.stdout.write('x' * (1 << 20)); sys.stderr.write('x' * (1 << 20))\n    return 1",
    "floods its pipe": """
import os
def f(x):
    while True:
        for fd in range(3, 64):
            try: os.write(fd, b'R\\0\\0\\0\\x011' * 1000)
            except OSError: pass
""",
    "floods every pipe": """
import os
def f(x):
    while True:
        for fd in range(64):
            try: os.write(fd, b'N\\0\\0\\0\\x04null' * 1000)
            except OSError: pass
""",
    "fork bomb": "import os\ndef f(x):\n    while True:\n        try: os.fork()\n        except OSError: pass",
}

SOLUTIONS = {**LIES, **PRYING, **BREAKING, **BOMBS}
