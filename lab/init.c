/*
 * The first process of a kernel that is booted only to start programs: each in a root of its own below /cells, one
 * after the other. It prints a line for each on the console and powers the machine off.
 *
 * /cells/N/argv, env, cwd, program and user (a user's, a group's and more groups' numbers) hold strings ended by NUL, /cells/N/root is
 * the root file system.
 * A line: @@ N errno status signal culprit HEX, where HEX is what the program wrote to its standard error.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECONDS 20
#define WORDS 64

static char buffers[5][1 << 16];

/* Read a file of strings; returns how many. */
static int strings(const char *cell, const char *name, char *buffer, char **words)
{
	char path[64];
	int count = 0;
	snprintf(path, sizeof path, "%s/%s", cell, name);
	int file = open(path, O_RDONLY);
	ssize_t length = file < 0 ? 0 : read(file, buffer, sizeof buffers[0] - 1);
	if (file >= 0)
		close(file);
	for (char *word = buffer; word < buffer + length && count < WORDS - 1; word += strlen(word) + 1)
		words[count++] = word;
	words[count] = NULL;
	return count;
}

/* Which file a refusal of execve is about: c(ommand), s(cript interpreter) or l(oader). */
static char culprit(const char *path, int depth)
{
	char head[257] = "";
	struct stat status;
	int file = open(path, O_RDONLY | O_NONBLOCK);
	if (file < 0)
		return depth ? 's' : 'c';
	fstat(file, &status);
	int runs = S_ISREG(status.st_mode) && access(path, X_OK) == 0 && read(file, head, 256) >= 0; /* by the real user */
	close(file);
	if (!runs)
		return depth ? 's' : 'c';
	if (head[0] != '#' || head[1] != '!' || depth > 8)
		return 'l';
	char *name = head + 2 + strspn(head + 2, " \t");
	name[strcspn(name, " \t\n")] = 0;
	return culprit(name, depth + 1);
}

static void become(const char *cell, int report)
{
	static char *argv[WORDS], *env[WORDS], *cwd[WORDS], *program[WORDS], *user[WORDS];
	char root[64];
	strings(cell, "argv", buffers[0], argv);
	strings(cell, "env", buffers[1], env);
	strings(cell, "cwd", buffers[2], cwd);
	int further = strings(cell, "program", buffers[3], program);
	gid_t groups[WORDS];
	int more = strings(cell, "user", buffers[4], user) - 2;
	for (int i = 0; i < more; i++)
		groups[i] = atoi(user[2 + i]);
	uid_t uid = atoi(user[0]);
	gid_t gid = atoi(user[1]);
	snprintf(root, sizeof root, "%s/root", cell);
	if (chroot(root) || chdir("/") || (mount("proc", "/proc", "proc", 0, "") && errno != EBUSY) || chdir(cwd[0])) {
		dprintf(report, "\n-1 x");
		_exit(1);
	}
	if (setgroups(more, groups) || setregid(gid, -1) || setreuid(uid, -1)) {
		dprintf(report, "\n-1 x");
		_exit(1);
	}
	if (further)
		dprintf(report, "\n0 %c", culprit(program[0], 0));
	char about = culprit(argv[0], 0);
	if (setresgid(gid, gid, gid) || setresuid(uid, uid, uid)) {
		dprintf(report, "\n-1 x");
		_exit(1);
	}
	execve(argv[0], argv, env);
	dprintf(report, "\n%d %c", errno, about);
	_exit(1);
}

/* Collect what a program writes until it ends or its time is up; returns the length. */
static int collect(int file, pid_t child, char *text, int size)
{
	time_t end = time(NULL) + SECONDS;
	int length = 0;
	for (;;) {
		struct pollfd waiting = {.fd = file, .events = POLLIN};
		char rest[512];
		int left = end - time(NULL);
		if (left <= 0 || poll(&waiting, 1, left * 1000) <= 0)
			break;
		char *target = length < size ? text + length : rest;
		ssize_t got = read(file, target, length < size ? size - length : (int)sizeof rest);
		if (got <= 0)
			break;
		if (length < size)
			length += got;
	}
	kill(-child, SIGKILL);
	return length;
}

static void start(int number)
{
	char cell[32], text[600], told[64] = "\n0 -";
	int words[2], report[2], status = 0;
	snprintf(cell, sizeof cell, "/cells/%d", number);
	if (pipe(words) || pipe2(report, O_CLOEXEC))
		return;
	pid_t child = fork();
	if (child == 0) {
		setpgid(0, 0);
		dup2(open("/dev/null", O_RDWR), 0);
		dup2(open("/dev/null", O_RDWR), 1);
		dup2(words[1], 2);
		close(words[0]);
		close(words[1]);
		become(cell, report[1]);
	}
	setpgid(child, child);
	close(words[1]);
	close(report[1]);
	int length = collect(words[0], child, text, sizeof text);
	waitpid(child, &status, 0);
	ssize_t got = read(report[0], told, sizeof told - 1);
	if (got > 0)
		told[got] = 0;
	close(words[0]);
	close(report[0]);
	char *last = strrchr(told, '\n') + 1;
	char *about = strchr(last, ' ');
	*about = 0;
	printf("@@ %d %s %d %d %s ", number, last, WIFEXITED(status) ? WEXITSTATUS(status) : -1,
	       WIFSIGNALED(status) ? WTERMSIG(status) : 0, about + 1);
	for (int i = 0; i < length; i++)
		printf("%02x", (unsigned char)text[i]);
	printf("\n");
	fflush(stdout);
}

int main(void)
{
	char path[32];
	struct stat status;
	mount("proc", "/proc", "proc", 0, "");
	printf("@@ begin %ld\n", sysconf(_SC_PAGESIZE));
	for (int number = 0; snprintf(path, sizeof path, "/cells/%d", number), stat(path, &status) == 0; number++)
		start(number);
	printf("@@ end\n");
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 0;
}
