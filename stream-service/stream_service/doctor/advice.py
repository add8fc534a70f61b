"""What the doctor says, in Chinese and English: names of the stages, what is wrong, what to do about it. Pure.

Written for whoever stands before the camera's own settings page, not for whoever wrote this service.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shared_kernel.messages import CameraReason
from stream_service.opening import Stage


@dataclass(frozen=True)
class Words:
    """One sentence in both languages."""

    zh: str
    en: str


@dataclass(frozen=True)
class Remark:
    """What is wrong, and what to do about it."""

    problem: Words
    advice: Words


def _remark(problem: tuple[str, str], advice: tuple[str, str]) -> Remark:
    (zh, en), (zh_do, en_do) = problem, advice
    return Remark(Words(zh, en[0].upper() + en[1:]), Words(zh_do, en_do[0].upper() + en_do[1:]))


NAMES: Final = {
    Stage.RESOLVE: Words("解析地址", "Address"),
    Stage.CONNECT: Words("建立连接", "Connection"),
    Stage.LOGIN: Words("登录", "Login"),
    Stage.DESCRIBE: Words("视频流描述", "Stream description"),
    Stage.KEY_FRAME: Words("首个关键帧", "First key frame"),
    Stage.CODEC: Words("编码", "Codec"),
    Stage.SIZE: Words("分辨率", "Picture size"),
    Stage.RATE: Words("帧率与码率", "Frame rate and bit rate"),
    Stage.KEY_INTERVAL: Words("关键帧间隔", "Key-frame interval"),
    Stage.AUDIO: Words("声音", "Sound"),
    Stage.CLOCK: Words("时钟", "Clock"),
}

_R, _S = CameraReason, Stage

_FAILURES: Final[dict[tuple[Stage, CameraReason], Remark]] = {
    (_S.RESOLVE, _R.NOT_FOUND): _remark(
        ("找不到这个主机名对应的 IP 地址", "this host name has no IP address"),
        (
            "核对主机名的拼写和本机的 DNS，或直接填写摄像头的 IP 地址",
            "check the spelling and this machine's DNS, or write the camera's IP address",
        ),
    ),
    (_S.RESOLVE, _R.BLOCKED_ADDRESS): _remark(
        (
            "不允许摄像头使用这个地址（本机、本地链路或平台自身的服务，或格式不对）",
            "cameras may not use this address: this machine, link-local, a service of the platform, or no address",
        ),
        (
            "核对地址；确实需要时，由运维在 STREAM_ALLOWED_RANGES 中放行该网段",
            "check the address; if it is really meant, the operator allows its range in STREAM_ALLOWED_RANGES",
        ),
    ),
    (_S.RESOLVE, _R.FILE_MISSING): _remark(
        ("文件或设备不存在", "the file or device is not there"),
        (
            "确认文件名，并把文件放入数据目录的 clips 文件夹；设备请检查是否插好",
            "check the name, put the file into the folder clips of the data folder; plug the device in",
        ),
    ),
    (_S.RESOLVE, _R.FILE_OUTSIDE): _remark(
        (
            "文件不在允许的目录内，或该设备没有被允许",
            "the file is outside of the permitted folders, or the device is not permitted",
        ),
        (
            "把文件放入数据目录的 clips 文件夹；本机设备需由运维写入 STREAM_DEVICES",
            "put the file into the folder clips of the data folder; a device must be named in STREAM_DEVICES",
        ),
    ),
    (_S.DESCRIBE, _R.DEVICE_BUSY): _remark(
        ("设备正被其他程序占用", "another program uses the device"),
        (
            "关闭正在使用该摄像头的程序（会议、录像软件）后再试",
            "close what uses it, a meeting or a recorder, and try again",
        ),
    ),
    (_S.DESCRIBE, _R.NO_RIGHTS): _remark(
        ("本服务没有打开该设备的权限", "this service has no right to open the device"),
        (
            "把运行本服务的用户加入 video 组并重新启动；容器需要用 --device 传入该设备",
            "add the user that runs this service to the group video and start it again; a container needs --device",
        ),
    ),
    (_S.DESCRIBE, _R.FILE_MISSING): _remark(
        ("这个设备上没有摄像头", "no camera is at this device"),
        (
            "检查是否插好；一个摄像头常有两个设备，请换用另一个（如 /dev/video0）",
            "plug it in; one camera often has two devices, try the other, such as /dev/video0",
        ),
    ),
    (_S.CONNECT, _R.REFUSED): _remark(
        (
            "这个地址和端口没有设备应答，或网络不通",
            "nobody takes connections at this address and port, or there is no way to it",
        ),
        (
            "核对 IP 和端口（RTSP 通常是 554），确认摄像头已通电并启用了该服务",
            "check IP address and port (RTSP mostly has 554); is the camera on, and this service enabled in it?",
        ),
    ),
    (_S.CONNECT, _R.TIMEOUT): _remark(
        ("连接没有应答", "the connection gets no answer"),
        (
            "检查 IP 地址、网线、VLAN 和防火墙，确认本机能 ping 通摄像头",
            "check the IP address, cable, VLAN and firewall; see whether this machine can ping the camera",
        ),
    ),
    (_S.CONNECT, _R.CLOSED): _remark(
        ("摄像头立即断开了连接", "the camera drops the connection at once"),
        (
            "摄像头可能已达最大连接数，或只允许指定的 IP 访问；检查其网络设置",
            "it may have too many viewers, or let in certain addresses only; look at its network settings",
        ),
    ),
    (_S.LOGIN, _R.UNAUTHORISED): _remark(
        ("摄像头不接受这个用户名和密码", "the camera does not accept this user name and password"),
        (
            "核对用户名和密码；特殊字符要转义（@ 写成 %40，# 写成 %23）；多次输错后摄像头可能会锁定",
            "check both; escape special characters (@ as %40, # as %23); wrong tries may lock a camera for a while",
        ),
    ),
    (_S.DESCRIBE, _R.NOT_FOUND): _remark(
        ("登录成功，但摄像头上没有这个路径", "the camera lets us in but knows no such path"),
        (
            "核对地址中的路径；不同品牌不同，可用“常见品牌”填写",
            "check the path; each brand has its own, the form offers common ones",
        ),
    ),
    (_S.DESCRIBE, _R.NO_VIDEO): _remark(
        ("这个地址只有声音或没有视频", "this address offers sound only, or nothing"),
        ("换用摄像头的主码流或子码流地址", "use the address of the camera's main or second stream"),
    ),
    (_S.DESCRIBE, _R.TIMEOUT): _remark(
        ("能连上，但摄像头不回答", "the connection stands but the camera says nothing"),
        (
            "确认端口对应视频服务；摄像头可能忙或已死机，重启后再试",
            "check that this port is the video service; the camera may be busy or hang: restart it",
        ),
    ),
    (_S.DESCRIBE, _R.CLOSED): _remark(
        ("摄像头在说明视频之前就断开了", "the camera hangs up before it describes its stream"),
        (
            "摄像头可能已达最大连接数；减少其他观看者或重启摄像头",
            "it may have too many viewers; close others or restart it",
        ),
    ),
    (_S.DESCRIBE, _R.INVALID_DATA): _remark(
        ("应答的不是可识别的视频流", "what answers is no video stream that is known here"),
        (
            "检查端口和协议：可能填成了网页端口，或 http 与 rtsp 写反了",
            "check port and protocol: this may be the camera's web page, or http where rtsp is meant",
        ),
    ),
    (_S.DESCRIBE, _R.BLOCKED_ADDRESS): _remark(
        ("摄像头把我们引向了不允许访问的地址", "the camera leads to an address that cameras may not use"),
        (
            "直接填写视频流的真实地址；确实需要时由运维在 STREAM_ALLOWED_RANGES 中放行",
            "write the stream's real address; if it is meant, the operator allows its range in STREAM_ALLOWED_RANGES",
        ),
    ),
    (_S.DESCRIBE, _R.REFUSED): _remark(
        ("摄像头拒绝了请求或自身报错", "the camera refuses the request or reports an error of its own"),
        (
            "查看摄像头日志，确认该码流已启用；重启摄像头后再试",
            "look at the camera's log, check that this stream is enabled, restart the camera",
        ),
    ),
    (_S.DESCRIBE, _R.UNSUPPORTED_CODEC): _remark(
        ("视频编码无法识别或已加密", "the video is encrypted or of a kind that is not known here"),
        ("在摄像头中改用 H.264，并关闭码流加密", "choose H.264 in the camera and switch stream encryption off"),
    ),
    (_S.KEY_FRAME, _R.TIMEOUT): _remark(
        ("视频流打开了，但一直没有画面", "the stream opens, but no picture comes"),
        (
            "检查防火墙是否放行视频数据；缩短关键帧间隔；关闭 H.264+/H.265+ 智能编码",
            "does a firewall stop the video? shorten the key-frame interval; switch smart coding (H.264+) off",
        ),
    ),
    (_S.KEY_FRAME, _R.FROZEN): _remark(
        ("视频流开始后就停住了", "the stream begins and then stands still"),
        ("检查摄像头负载和网络；重启摄像头后再试", "look at the camera's load and the network; restart the camera"),
    ),
    (_S.KEY_FRAME, _R.CLOSED): _remark(
        ("摄像头在送出画面之前断开了", "the camera hangs up before it sends a picture"),
        (
            "摄像头可能已达最大连接数；减少其他观看者或降低码率",
            "it may have too many viewers; close others or lower the bit rate",
        ),
    ),
    (_S.KEY_FRAME, _R.INVALID_DATA): _remark(
        ("收到了数据，但解不出画面", "data comes, but no picture can be made of it"),
        (
            "检查网络是否丢包；在摄像头中改用 H.264，关闭智能编码",
            "look for lost packets in the network; choose H.264 in the camera and switch smart coding off",
        ),
    ),
    (_S.KEY_FRAME, _R.UNSUPPORTED_CODEC): _remark(
        ("视频编码无法解码", "the video is in a codec that is not known here"),
        ("在摄像头中把视频编码改为 H.264", "choose H.264 in the camera"),
    ),
}

_ANY: Final = _remark(
    ("这一步没有成功", "this did not work"),
    (
        "稍后再试；若仍失败，请把技术信息交给管理员",
        "try again later; if it fails again, show the technical detail to your administrator",
    ),
)


def failure(stage: Stage, reason: CameraReason) -> Remark:
    """Why `stage` failed, and what to do."""
    known = _FAILURES.get((stage, reason))
    return known or next((remark for (_, other), remark in _FAILURES.items() if other is reason), _ANY)


NO_LOGIN: Final = _remark(
    ("摄像头要求登录，但地址里没有用户名和密码", "the camera wants a login, and the address has none"),
    (
        "把用户名和密码写进地址：rtsp://用户名:密码@主机/路径",
        "write them into the address: rtsp://user:password@host/path",
    ),
)
OVER_UDP: Final = _remark(
    (
        "摄像头不接受 TCP，只能用 UDP 传输，丢包会造成花屏",
        "the camera takes no TCP; over UDP lost packets damage pictures",
    ),
    (
        "在摄像头中启用 RTSP over TCP；否则请使用有线网络",
        "switch RTSP over TCP on in the camera, or connect it by cable",
    ),
)
H265: Final = _remark(
    ("H.265 大多数浏览器不能直接播放", "most browsers do not play H.265"),
    (
        "实时画面会转码或显示快照；在摄像头中改用 H.264，或给识别另配一路 H.264 子码流",
        "live view is converted or shows still pictures; choose H.264 in the camera, or H.264 for a second stream",
    ),
)
ODD_PROFILE: Final = _remark(
    ("浏览器不支持这种 H.264 规格", "browsers do not play this H.264 profile"),
    ("在摄像头中选择 High、Main 或 Baseline 规格", "choose the profile high, main or baseline in the camera"),
)
OTHER_CODEC: Final = _remark(
    ("浏览器不能直接播放这种编码", "browsers do not play this codec"),
    (
        "实时画面会转码或显示快照；有条件时改用 H.264",
        "live view is converted or shows still pictures; use H.264 where you can",
    ),
)
LARGE: Final = _remark(
    ("画面很大，解码会占用较多 CPU", "the picture is very large and costs much processor time"),
    ("给识别另配一路 720p 或 1080p 的子码流", "give the analysis a second stream of 720 or 1080 lines"),
)
SMALL: Final = _remark(
    ("画面太小，远处的人脸可能认不出", "the picture is small: faces far away may not be recognised"),
    ("换用主码流，至少 640 像素宽", "use the main stream, at least 640 pixels wide"),
)
CHANGING: Final = _remark(
    ("画面尺寸在播放中发生了变化", "the picture changes its size while it plays"),
    ("在摄像头中关闭自适应分辨率", "switch adaptive resolution off in the camera"),
)
SLOW: Final = _remark(
    ("帧率过低，走得快的人可能只出现一两帧", "so few pictures that a quick person is in one or two of them"),
    ("把帧率设为 10 到 25 帧每秒", "set 10 to 25 pictures a second"),
)
FEWER: Final = _remark(
    ("实际帧率明显低于摄像头声明的帧率", "clearly fewer pictures come than the camera says it sends"),
    ("检查网络带宽和丢包，或降低摄像头码率", "look at bandwidth and lost packets, or lower the camera's bit rate"),
)
RARE_KEYS: Final = _remark(
    ("关键帧间隔太长：画面打开慢，断线后恢复慢", "key frames are rare: live view starts late, and recovers late"),
    (
        "把关键帧（I 帧）间隔设为帧率的 1 到 2 倍，即 1 到 2 秒；关闭智能编码",
        "set the key-frame (I-frame) interval to one or two seconds' worth of pictures; switch smart coding off",
    ),
)
WRONG_CLOCK: Final = _remark(
    ("摄像头自己的时间不准", "the camera's own clock is wrong"),
    (
        "在摄像头中设置时区和 NTP 校时；系统记录使用本机时间，只有画面上叠加的时间会不对",
        "set its time zone and NTP; records here use this machine's time, only the time in the picture is wrong",
    ),
)
JUMPING_CLOCK: Final = _remark(
    ("视频时间戳缺失、倒退或跳变", "times of pictures are missing, go back or jump"),
    (
        "系统会自行校正；若画面卡顿，请升级摄像头固件或改用 TCP",
        "this is mended here; if the picture stutters, update the camera's firmware or use TCP",
    ),
)
