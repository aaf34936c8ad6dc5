/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * project FILE: tries to take a file out of its project, three ways, and prints what became of each
 * (an errno, 0: it worked) and the project that the file is in afterwards.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>

int main(int argc, char **argv)
{
	int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
	struct fsxattr was, x;

	if (fd < 0 || ioctl(fd, FS_IOC_FSGETXATTR, &was) < 0) {
		perror("project");
		return 2;
	}
	x = was;
	x.fsx_projid = 0;
	printf("%d ", ioctl(fd, FS_IOC_FSSETXATTR, &x) < 0 ? errno : 0);
	x.fsx_projid = was.fsx_projid + 1;
	printf("%d ", ioctl(fd, FS_IOC_FSSETXATTR, &x) < 0 ? errno : 0);
	x = was;
	x.fsx_xflags ^= FS_XFLAG_PROJINHERIT;
	printf("%d ", ioctl(fd, FS_IOC_FSSETXATTR, &x) < 0 ? errno : 0);
	if (ioctl(fd, FS_IOC_FSGETXATTR, &x) < 0)
		return 2;
	printf("%u\n", x.fsx_projid);
	return 0;
}
