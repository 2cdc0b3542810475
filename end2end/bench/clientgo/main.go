// Typed informers on everything that the portal reads of a cluster. When all caches are filled, it prints its memory in kB
// and holds the caches until its standard input ends.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

const patience = 3 * time.Minute

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run takes the path of a kubeconfig, and the namespaces.
func run(arguments []string) error {
	if len(arguments) < 2 {
		return fmt.Errorf("expected KUBECONFIG NAMESPACE...")
	}
	config, err := clientcmd.BuildConfigFromFlags("", arguments[0])
	if err != nil {
		return err
	}
	// How often a client may ask is not what is measured here.
	config.QPS, config.Burst = 1000, 1000
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	began := time.Now()
	factories, err := hold(client, arguments[1:])
	if err != nil {
		return err
	}
	took := time.Since(began)
	// What is free goes back to the kernel at once, not after some minutes: its memory at its best.
	runtime.GC()
	debug.FreeOSMemory()
	resident, err := memory("VmRSS:")
	if err != nil {
		return err
	}
	peak, err := memory("VmHWM:")
	if err != nil {
		return err
	}
	fmt.Printf("{\"resident\":%d,\"peak\":%d,\"ms\":%d}\n", resident, peak, took.Milliseconds())
	_, err = io.Copy(io.Discard, os.Stdin)
	runtime.KeepAlive(factories)
	return err
}

// hold fills a factory for each namespace, as the portal watches each by itself, and one for the nodes.
func hold(client kubernetes.Interface, namespaces []string) ([]informers.SharedInformerFactory, error) {
	nodes := informers.NewSharedInformerFactory(client, 0)
	nodes.Core().V1().Nodes().Informer()
	factories := []informers.SharedInformerFactory{nodes}
	for _, namespace := range namespaces {
		factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(namespace))
		register(factory)
		factories = append(factories, factory)
	}
	limited, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, factory := range factories {
		factory.Start(context.Background().Done())
	}
	for _, factory := range factories {
		for kind, filled := range factory.WaitForCacheSync(limited.Done()) {
			if !filled {
				return nil, fmt.Errorf("the cache of %v was not filled within %v", kind, patience)
			}
		}
	}
	return factories, nil
}

// register names the kinds of a namespace: asking a factory for an informer is what makes it start one.
func register(factory informers.SharedInformerFactory) {
	apps, core, batch, networking := factory.Apps().V1(), factory.Core().V1(), factory.Batch().V1(), factory.Networking().V1()
	apps.Deployments().Informer()
	apps.StatefulSets().Informer()
	apps.DaemonSets().Informer()
	apps.ReplicaSets().Informer()
	apps.ControllerRevisions().Informer()
	core.Pods().Informer()
	factory.Autoscaling().V2().HorizontalPodAutoscalers().Informer()
	core.Services().Informer()
	networking.Ingresses().Informer()
	networking.NetworkPolicies().Informer()
	core.ConfigMaps().Informer()
	core.PersistentVolumeClaims().Informer()
	batch.Jobs().Informer()
	batch.CronJobs().Informer()
	core.Events().Informer()
}

// memory is what the kernel says of this process, in kB.
func memory(name string) (int, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == name {
			return strconv.Atoi(fields[1])
		}
	}
	return 0, fmt.Errorf("/proc/self/status does not say %s", name)
}
